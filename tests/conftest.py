"""What several test folders share: a tiny checkpoint of the real classes, built once a run."""

from pathlib import Path

import pytest

from vidgen.runtime.threads import wait_without_spinning
from vidgen_models.registry import ModelRegistry

wait_without_spinning()


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Wan-VACE folder with random weights."""
    from tests.tiny_models import build_wan_vace

    return build_wan_vace(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def tiny_manifests(tiny_folder: Path) -> Path:
    """A folder with the manifest of the model `tiny`."""
    from tests.tiny_models import write_manifest

    folder = tiny_folder.parent / "manifests"
    write_manifest(folder, "tiny", tiny_folder)
    return folder


@pytest.fixture(scope="session")
def tiny_registry(tiny_manifests: Path) -> ModelRegistry:
    return ModelRegistry(tiny_manifests)

"""A folder that could run code, or is not the one the manifest hashed, is refused before it is read."""

import json
import shutil
from pathlib import Path

import pytest

from vidgen.errors import ModelError
from vidgen_models.folder_check import check_folder, sha256
from vidgen_models.loading import scheduler_factory
from vidgen_models.registry import ModelRegistry


@pytest.fixture
def folder(tiny_folder, tmp_path) -> Path:
    return Path(shutil.copytree(tiny_folder, tmp_path / "model"))


def hashes(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): sha256(path) for path in folder.rglob("*.safetensors")}


def test_a_clean_folder_passes(folder):
    check_folder(folder, hashes(folder))
    check_folder(folder, {})


@pytest.mark.parametrize("name", ["modeling.py", "vae/weights.bin", "transformer/x.pkl", "a.ckpt", "b.pt"])
def test_files_that_can_run_code_are_refused(folder, name):
    (folder / name).write_bytes(b"x")
    with pytest.raises(ModelError, match="can run code") as caught:
        check_folder(folder, {})
    assert caught.value.code == "unsafe_model"


@pytest.mark.parametrize("key", ["auto_map", "custom_pipeline"])
def test_configs_that_name_code_are_refused(folder, key):
    file = folder / "transformer" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: "evil"}))
    with pytest.raises(ModelError, match="names code"):
        check_folder(folder, {})


def test_a_changed_or_missing_file_is_refused(folder):
    name = "vae/diffusion_pytorch_model.safetensors"
    expected = hashes(folder)
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match="sha256 differs"):
        check_folder(folder, expected)
    (folder / name).unlink()
    with pytest.raises(ModelError, match="missing"):
        check_folder(folder, expected)


def test_a_scheduler_config_can_name_only_schedulers(tmp_path):
    (tmp_path / "scheduler_config.json").write_text('{"_class_name": "DiffusionPipeline"}')
    with pytest.raises(ModelError, match="not a scheduler"):
        scheduler_factory(tmp_path)


def test_an_unknown_model_names_the_installed_ones(tiny_registry):
    with pytest.raises(ModelError, match=r"nope: not installed; installed are sprites-64, sprites-64-fast, tiny"):
        tiny_registry.get("nope")


def test_a_broken_manifest_names_its_file(tmp_path):
    (tmp_path / "bad.toml").write_text("id = 3")
    with pytest.raises(ModelError, match=r"bad\.toml"):
        _ = ModelRegistry(tmp_path).manifests

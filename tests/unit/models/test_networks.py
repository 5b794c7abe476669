"""Manifests of networks for finished frames: which there are, and that each names the file that is shipped."""

import pytest

from vidgen.errors import ModelError
from vidgen_models.networks import NetworkRegistry

MANIFEST = """
id = "{id}"
kind = "{kind}"
name = "A network"
revision = "1"
licence = "Apache-2.0"
description = "For a test."
scale = {scale}
file = "/nowhere/model.safetensors"
sha256 = "00"
seconds_per_megapixel = 1.0
"""


@pytest.fixture
def registry(tmp_path) -> NetworkRegistry:
    for kind, scale in (("interpolation", 1), ("upscaling", 3)):
        text = MANIFEST.format(id=f"zz-{kind}", kind=kind, scale=scale)
        (tmp_path / f"{kind}.toml").write_text(text)
    return NetworkRegistry(tmp_path)


def test_further_folders_add_networks(registry):
    assert registry.interpolation().id == "zz-interpolation"
    assert registry.upscaling(3).path.as_posix() == "/nowhere/model.safetensors"


def test_a_scale_that_no_network_has_is_refused_with_those_there_are(registry):
    with pytest.raises(ModelError, match=r"scale=7: no upscaling network for it; installed are \[.*3.*\]"):
        registry.upscaling(7)


def test_a_manifest_that_is_none_is_named(tmp_path):
    (tmp_path / "broken.toml").write_text("id = 3")
    with pytest.raises(ModelError, match=r"broken\.toml: not a valid manifest"):
        NetworkRegistry(tmp_path).interpolation()

"""How a folder of FramePack F1 is told from one of FramePack, whose files are of the same kind."""

import json
from pathlib import Path

import pytest

from vidgen.families.folder import ModelFolder
from vidgen.families.framepack import goes_forward, sections_forward


@pytest.mark.parametrize(
    ("name", "index", "origin", "forward"),
    [
        ("framepack", {}, "lllyasviel/FramePackI2V_HY", False),
        ("framepack", {}, "lllyasviel/FramePack_F1_I2V_HY_20250503", True),
        ("framepack-f1", {}, "", True),
        ("framepack", {"sampling_type": "vanilla"}, "", True),
        ("half1-framepack", {}, "", False),
    ],
)
def test_f1_is_known_by_its_index_or_its_name(tmp_path: Path, name: str, index: dict, origin: str, forward: bool):
    folder = tmp_path / name
    (folder / "transformer").mkdir(parents=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "HunyuanVideoFramepackPipeline", **index}))
    (folder / "transformer" / "config.json").write_text(json.dumps({"_name_or_path": origin}))
    assert goes_forward(ModelFolder(folder)) == forward


def test_sections_overlap_as_the_library_lays_them():
    assert sections_forward(10) == [(0, 10)]
    assert sections_forward(28) == [(0, 10), (1, 19), (10, 28)]

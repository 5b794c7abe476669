"""`vidgen sweep`: every cell is the clip that `render` makes of its settings, labels tell what differs."""

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from vidgen.cli import main
from vidgen.media.contact_sheet import GAP, LETTERS
from vidgen.pipelines import Residency
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.spec import JOB_SPEC

SMALL = ("--model", "tiny", "--set", "num_frames=5", "--set", "num_inference_steps=1")
SIDE = 32


@pytest.fixture
def run(tiny_manifests, monkeypatch, tmp_path):
    monkeypatch.setenv("VIDGEN_MODEL_FOLDERS", str(tiny_manifests))
    monkeypatch.setenv("VIDGEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments, code=0):
        result = CliRunner().invoke(main, ["sweep", *arguments])
        assert result.exit_code == code, result.output
        return result.output

    return invoke


def test_every_cell_is_the_clip_of_its_settings(run, tmp_path, tiny_registry):
    """Fails when a cell is made with the settings of another: tried."""
    told = run("a red cat", *SMALL, "--vary", "seed=1,2,-1", "--vary", "guidance_scale=1,4", "--out", "s.png")
    assert "6 clips" in told
    with Image.open(tmp_path / "s.png") as opened:
        sheet, about = np.asarray(opened), json.loads(opened.text["vidgen"])
    assert [(cell["column"], cell["row"]) for cell in about] == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]
    drawn = about[2]["spec"]["seed"]
    assert drawn == about[5]["spec"]["seed"] >= 0
    assert str(drawn) in told
    assert [cell["spec"]["guidance_scale"] for cell in about] == [1.0] * 3 + [4.0] * 3
    residency, shown = Residency(tiny_registry), []
    for cell in about:
        top = 3 * GAP + 2 * LETTERS + cell["row"] * (SIDE + GAP)
        right = sheet.shape[1] - (2 - cell["column"]) * (3 * SIDE + GAP) - GAP
        tile = sheet[top : top + SIDE, right - 3 * SIDE : right]
        spec = JOB_SPEC.validate_python(cell["spec"])
        with torch.inference_mode():
            clip = np.concatenate(list(pipeline_for(spec.task, residency.model("tiny"))(spec, RunContext())))
        assert np.array_equal(tile, np.concatenate([clip[0], clip[2], clip[4]], axis=1))
        shown.append(tile.tobytes())
    assert len(set(shown)) == 6


def test_options_and_prompts_can_be_varied_over_one_seed(run, tmp_path):
    run("", *SMALL, "--vary", "prompt=a red cat, slowly|the green dog", "--vary", "advanced.sampler=euler,unipc")
    with Image.open(tmp_path / "sweep.png") as opened:
        about = json.loads(opened.text["vidgen"])
    assert {cell["spec"]["prompt"] for cell in about} == {"a red cat, slowly", "the green dog"}
    assert [cell["spec"]["advanced"]["sampler"] for cell in about] == ["euler", "euler", "unipc", "unipc"]
    assert len({cell["spec"]["seed"] for cell in about}) == 1


@pytest.mark.parametrize(
    ("varied", "told"),
    [
        (["seed"], "write FIELD=VALUE,VALUE"),
        (["seed=1", "seed=2"], "two different ones"),
        (["seed=" + ",".join(map(str, range(65)))], "65 clips; at most 64"),
        (["guidance_scale=3,99"], "guidance_scale=99"),
        (["advanced.sampler=euler,ddim"], "ddim is not for networks that predict a flow"),
        (["colour=red,blue"], "colour"),
    ],
)
def test_a_sweep_that_cannot_be_made_is_refused_before_its_first_clip(run, tmp_path, varied, told):
    arguments = [part for text in varied for part in ("--vary", text)]
    assert told in run("a cat", *SMALL, *arguments, code=1)
    assert not (tmp_path / "sweep.png").exists()


def test_a_field_that_is_none_is_told_by_its_name(run):
    """Fails when the task stands before it: seen before it was mended."""
    told = run("a cat", *SMALL, "--vary", "guidance=1,2", code=1)
    assert told == "Error: guidance: this field is not known; nearest is guidance_scale [invalid_request]\n"

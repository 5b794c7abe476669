"""`vidgen train-lora`: from clips to a LoRA that `render` takes."""

import numpy as np
import pytest
from click.testing import CliRunner

from vidgen.cli import main
from vidgen.media.writer import write_video

SMALL = ("--model", "tiny", "--frames", "5", "--rank", "2", "--batch", "1")


@pytest.fixture
def run(tiny_manifests, monkeypatch, tmp_path):
    monkeypatch.setenv("VIDGEN_MODEL_FOLDERS", str(tiny_manifests))
    monkeypatch.setenv("VIDGEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    write_video([np.full((24, 32, 32, 3), 90, np.uint8)], tmp_path / "clip.mp4", fps=8)

    def invoke(*arguments, code=0):
        result = CliRunner().invoke(main, list(arguments))
        assert result.exit_code == code, result.output
        return result.output

    return invoke


def test_a_lora_is_trained_installed_and_used(run, tmp_path):
    (tmp_path / "clip.txt").write_text("a red cat\n")
    told = run("train-lora", "clip.mp4", *SMALL, "--steps", "2", "--install", "mine", "--out", "mine.safetensors")
    assert "s a step, about" in told
    assert "mine: `vidgen render … --lora mine`" in told
    assert not (tmp_path / "mine.safetensors.state").exists()
    small = ("--model", "tiny", "--frames", "5", "--steps", "1", "--seed", "1")
    run("render", "a red cat", *small, "--lora", "mine", "--out", "with.mp4")
    assert (tmp_path / "with.mp4").is_file()


def test_an_estimate_trains_nothing(run, tmp_path):
    assert "about" in run("train-lora", "clip.mp4", *SMALL, "--prompt", "a cat", "--estimate")
    assert not list(tmp_path.glob("*.safetensors*"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "clip.mp4: no caption; give --prompt"),
        (("--prompt", "a cat", "--frames", "6"), "num_frames=6"),
        (("--prompt", "a cat", "--model", "nowhere"), "model=nowhere: not installed"),
    ],
)
def test_what_cannot_be_trained_is_refused_by_name(run, arguments, told):
    assert told in run("train-lora", "clip.mp4", *SMALL, *arguments, code=1)

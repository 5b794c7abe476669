"""The program that shows a drawn control before a job follows it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.unit.motion.test_drawn import moving
from vidgen.media.writer import write_video
from vidgen.motion.controls import strip
from vidgen.motion.controls.draw import drawn


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video([moving(2, 9)], tmp_path / "clip.mp4", fps=8).path


@pytest.fixture(autouse=True)
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits could not be lifted again in this process."""
    monkeypatch.setattr(strip, "limit_resources", lambda: None)


def test_four_frames_of_the_control_stand_side_by_side(clip: Path) -> None:
    """Of the beginning, from the second frame on. Fails when the clip's own frames are shown: tried."""
    made = strip.strip(clip, "canny", width=64, height=64, fps=8, smoothing=0)
    assert made.shape == (64, 256, 3)
    lines = np.stack(list(drawn("canny", moving(2, 9))))
    assert np.abs(made[:, :64].astype(int) - lines[1]).mean() < 20  # edges, but for what the encoder took
    assert {*np.unique(made)} == {0, 255}
    left, right = (np.nonzero(part.any((0, 2)))[0].mean() for part in (made[:, :64], made[:, 192:]))
    assert right > left + 5


def test_the_program_answers_with_a_picture_or_a_reason(clip: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "drawn.jpg"
    assert strip.main([str(clip), str(out), "flow", "64", "48", "8", "0.5"]) == 0
    assert json.loads(capsys.readouterr().out) == {"width": 256, "height": 48}
    with Image.open(out) as picture:
        assert (picture.format, picture.size) == ("JPEG", (256, 48))
    Image.new("RGB", (64, 64), "red").save(tmp_path / "plain.png")
    assert strip.main([str(tmp_path / "plain.png"), str(out), "layout", "64", "64", "8", "0"]) == 2
    assert "no frame has a subject" in json.loads(capsys.readouterr().out)["error"]["message"]
    assert strip.main([str(clip), str(out)]) == 64

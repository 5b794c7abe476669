"""Uploads are re-encoded by a child program that reads one file and obeys limits."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.recipes import RECIPE
from vidgen.media.probe import probe
from vidgen.media.reader import read_frames_pyav
from vidgen.media.recall import find_recipe
from vidgen.media.source import read_picture
from vidgen.media.writer import write_video


def run_ingest(source: Path, out_dir: Path) -> tuple[int, dict]:
    out_dir.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "vidgen.media.ingest", str(source), str(out_dir)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    return done.returncode, json.loads(done.stdout)


def moving(num_frames: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (num_frames, height, width, 3), np.uint8)


def test_a_clip_comes_out_without_its_metadata(tmp_path):
    write_video([moving(9, 48, 64)], tmp_path / "in.mp4", fps=12, metadata={"comment": "my home address"})
    code, answer = run_ingest(tmp_path / "in.mp4", tmp_path / "out")
    assert code == 0
    assert answer == {
        "kind": "video",
        "filename": "media.mp4",
        "content_type": "video/mp4",
        "width": 64,
        "height": 48,
        "num_frames": 9,
        "fps": 12.0,
    }
    assert "comment" not in probe(tmp_path / "out" / "media.mp4").metadata


def test_only_a_recipe_of_our_own_form_comes_through(tmp_path):
    """Fails when the comment is copied as it is found, or the recipe is left behind: tried with both."""
    fields = json.loads(RECIPE.text())
    texts = (RECIPE.text(), json.dumps({**fields, "home": "address"}), json.dumps({**fields, "recipe": 2}))
    for text, kept in zip(texts, (RECIPE, None, None), strict=True):
        tags = {"comment": text, "title": "my home address"}
        write_video([moving(5, 32, 32)], tmp_path / "in.mp4", fps=8, metadata=tags)
        assert run_ingest(tmp_path / "in.mp4", tmp_path / "out")[0] == 0
        assert find_recipe(tmp_path / "out" / "media.mp4") == kept
        assert b"address" not in (tmp_path / "out" / "media.mp4").read_bytes()


def test_a_picture_loses_exif_and_what_is_hidden_under_transparency(tmp_path):
    picture = Image.new("RGBA", (40, 30), (255, 0, 0, 0))
    exif = Image.Exif()
    exif[0x010E] = "my home address"
    picture.save(tmp_path / "in.png", exif=exif)
    code, answer = run_ingest(tmp_path / "in.png", tmp_path / "out")
    assert (code, answer["kind"], answer["width"], answer["height"]) == (0, "image", 40, 30)
    with Image.open(tmp_path / "out" / "media.png") as out:
        assert (out.mode, out.getpixel((5, 5)), len(out.getexif())) == ("RGBA", (0, 0, 0, 0), 0)
    # a model sees white through it
    assert read_picture(tmp_path / "out" / "media.png", width=40, height=30).min() == 255


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"ffconcat version 1.0\nfile secret.mp4\n",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"\x00\x00\x00\x20ftypisom" + b"\x00" * 200,
        b"\x1a\x45\xdf\xa3" + b"\xff" * 200,
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 50,
    ],
    ids=["empty", "text", "ffconcat", "playlist", "hollow mp4", "hollow mkv", "hollow png"],
)
def test_what_is_no_media_is_refused_with_a_reason(tmp_path, content):
    (tmp_path / "in").write_bytes(content)
    code, answer = run_ingest(tmp_path / "in", tmp_path / "out")
    assert code == 2
    assert answer["error"]["code"] == "invalid_media"
    assert list((tmp_path / "out").iterdir()) == []


def test_a_script_named_like_a_clip_opens_no_other_file(tmp_path):
    write_video([moving(5, 32, 32)], tmp_path / "secret.mp4", fps=8)
    (tmp_path / "in.mp4").write_text("ffconcat version 1.0\nfile secret.mp4\n")
    code, answer = run_ingest(tmp_path / "in.mp4", tmp_path / "out")
    assert (code, answer["error"]["code"]) == (2, "invalid_media")


def test_sides_outside_the_limits_are_refused(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "small.png")
    Image.new("RGB", (5000, 20)).save(tmp_path / "wide.png")
    for name in ("small.png", "wide.png"):
        code, answer = run_ingest(tmp_path / name, tmp_path / "out")
        assert code == 2
        assert "16 to 4096" in answer["error"]["message"]


def test_a_picture_bomb_is_refused(tmp_path):
    Image.new("1", (30000, 30000)).save(tmp_path / "bomb.png")
    code, answer = run_ingest(tmp_path / "bomb.png", tmp_path / "out")
    assert (code, answer["error"]["code"]) == (2, "invalid_media")


def test_odd_sides_are_cropped_to_even_ones(tmp_path):
    pictures = [Image.fromarray(frame) for frame in moving(4, 33, 47)]
    pictures[0].save(tmp_path / "in.gif", save_all=True, append_images=pictures[1:], duration=100)
    code, answer = run_ingest(tmp_path / "in.gif", tmp_path / "out")
    assert (code, answer["width"], answer["height"], answer["num_frames"]) == (0, 46, 32, 4)


def test_a_phones_picture_is_turned_upright(tmp_path):
    picture = Image.new("RGB", (64, 32), "white")
    picture.paste("red", (0, 0, 64, 8))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "in.jpg", exif=exif, quality=95)
    code, answer = run_ingest(tmp_path / "in.jpg", tmp_path / "out")
    assert (code, answer["width"], answer["height"]) == (0, 32, 64)
    with Image.open(tmp_path / "out" / "media.png") as out:
        assert out.getpixel((29, 32))[1] < 60 < 200 < out.getpixel((4, 32))[1]


def test_a_phones_clip_is_turned_upright(tmp_path):
    frames = np.full((5, 32, 64, 3), 240, np.uint8)
    frames[:, :8] = (220, 20, 20)
    content = bytearray(write_video([frames], tmp_path / "lying.mp4", fps=8).path.read_bytes())
    at = content.index(b"tkhd") + 44
    content[at : at + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    (tmp_path / "in.mp4").write_bytes(content)
    code, answer = run_ingest(tmp_path / "in.mp4", tmp_path / "out")
    assert (code, answer["width"], answer["height"]) == (0, 32, 64)
    upright = read_frames_pyav(tmp_path / "out" / "media.mp4", [0])[0]
    assert upright[32, 29, 1] < 80 < 200 < upright[32, 4, 1]


def test_a_deep_grey_keeps_its_brightness(tmp_path):
    Image.fromarray(np.full((32, 32), 40000, np.uint16)).save(tmp_path / "in.png")
    run_ingest(tmp_path / "in.png", tmp_path / "out")
    with Image.open(tmp_path / "out" / "media.png") as out:
        assert out.getpixel((9, 9)) == (156, 156, 156)

"""Writing and reading clips: exact counts, exact rate, true colours, the same frames from both readers."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from vidgen.errors import MediaError
from vidgen.media.probe import probe
from vidgen.media.reader import frame_reader, read_frames_decord, read_frames_pyav
from vidgen.media.source import fit, read_clip, read_picture
from vidgen.media.writer import write_video

COLOURS = np.array([(220, 40, 40), (40, 200, 60), (50, 80, 230), (240, 220, 50)], np.uint8)


def stripes(num_frames: int, size: int = 64) -> np.ndarray:
    """Four flat stripes whose brightness tells the frame's number."""
    frame = np.repeat(COLOURS, size // 4, axis=0)[None].repeat(size, axis=0)
    return np.stack([np.clip(frame.astype(int) - 6 * n, 0, 255).astype(np.uint8) for n in range(num_frames)])


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    frames = stripes(17)
    return write_video([frames[:1], frames[1:9], frames[9:]], tmp_path / "clip.mp4", fps=8).path


@pytest.mark.parametrize("fps", [8, 24, Fraction(30000, 1001)])
@pytest.mark.parametrize("num_frames", [1, 5, 33])
def test_count_and_rate_are_exact(tmp_path, fps, num_frames):
    written = write_video([stripes(num_frames)], tmp_path / "a.mp4", fps=fps)
    info = probe(written.path)
    decoded = sum(1 for _ in av.open(str(written.path)).decode(video=0))
    assert (written.num_frames, info.num_frames, decoded) == (num_frames,) * 3
    assert info.fps == Fraction(fps)


def test_colours_survive_and_are_tagged(clip):
    frame = read_frames_pyav(clip, [0])[0]
    middle = frame[32, [8, 24, 40, 56]].astype(int)
    assert np.abs(middle - COLOURS).max() <= 4
    with av.open(str(clip)) as container:
        context = container.streams.video[0].codec_context
        assert (context.pix_fmt, int(context.colorspace), int(context.color_primaries)) == ("yuv420p", 1, 1)


def test_the_index_comes_before_the_pictures(clip):
    content = clip.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_both_readers_give_the_same_frames(clip):
    pytest.importorskip("decord", reason="decord has no wheel for this platform")
    indices = [0, 16, 5, 5]
    assert np.array_equal(read_frames_decord(clip, indices), read_frames_pyav(clip, indices))
    assert frame_reader(clip) is read_frames_decord


def test_a_frame_that_is_not_there_is_an_error(clip):
    with pytest.raises(MediaError, match="cannot read"):
        read_frames_pyav(clip, [40])
    with pytest.raises(MediaError, match="frames 0 to 16"):
        read_picture(clip, width=64, height=64, frame=17)


def test_the_last_frame_by_minus_one(clip):
    last = read_picture(clip, width=64, height=64, frame=-1)
    assert np.array_equal(last, read_frames_pyav(clip, [16]))
    assert not np.array_equal(last, read_frames_pyav(clip, [0]))


def test_a_clip_is_read_by_time(tmp_path):
    path = write_video([stripes(24)], tmp_path / "fast.mp4", fps=24).path
    at_half_rate = read_clip(path, width=64, height=64, num_frames=12, fps=12)
    assert np.array_equal(at_half_rate, read_frames_pyav(path, list(range(0, 24, 2))))


def test_a_source_that_is_too_short_is_refused(clip):
    with pytest.raises(MediaError, match="holds 17 frames at 8 fps"):
        read_clip(clip, width=64, height=64, num_frames=21, fps=8)


def test_no_file_is_left_when_encoding_fails(tmp_path):
    def breaks():
        yield stripes(3)
        raise RuntimeError("decoder died")

    with pytest.raises(RuntimeError, match="decoder died"):
        write_video(breaks(), tmp_path / "a.mp4", fps=8)
    with pytest.raises(MediaError, match="no frame"):
        write_video([], tmp_path / "b.mp4", fps=8)
    assert list(tmp_path.iterdir()) == []


def test_metadata_is_kept_in_the_file(tmp_path):
    path = write_video([stripes(5)], tmp_path / "a.mp4", fps=8, metadata={"comment": '{"seed": 1}'}).path
    assert probe(path).metadata["comment"] == '{"seed": 1}'


def test_fit_covers_and_crops_the_middle():
    wide = np.zeros((1, 32, 128, 3), np.uint8)
    wide[:, :, 48:80] = 255
    assert fit(wide, width=32, height=32).min() == 255
    assert fit(wide, width=64, height=64).shape == (1, 64, 64, 3)


def test_a_file_that_is_no_media_is_refused(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"hello" * 100)
    with pytest.raises(MediaError, match="not a media file"):
        probe(tmp_path / "a.mp4")

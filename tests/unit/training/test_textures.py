"""Texture out of a film: frames from all over it, in order, read once and kept."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from training.textures import FILM_FRAMES, Textures, film_excerpts, film_stills

FRAMES = 60


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frame n is grey of level 4 n."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 24, (320, 180))
    for level in range(0, 4 * FRAMES, 4):
        writer.write(np.full((180, 320, 3), level, np.uint8))
    writer.release()
    return path


def test_excerpts_are_runs_of_neighbouring_frames_from_all_over(film: Path) -> None:
    """Fails when excerpts begin a frame late: tried."""
    found = film_excerpts(film, 4)
    assert found.shape == (4, FILM_FRAMES, 90, 160, 3)
    firsts = found[:, 0].mean((1, 2, 3)) / 4
    assert np.all(np.abs(firsts + 0.4 - [0, 11, 22, 34]) < 0.5), "the codec darkens by half of a frame's step"
    assert np.allclose(np.diff(found.astype(float).mean((2, 3, 4)), axis=1).mean(1), 4, atol=0.2)


def test_what_was_read_is_kept(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once = film_stills(film, 5)
    monkeypatch.setattr("training.textures._pictures", lambda *_: pytest.fail("read again"))
    assert np.array_equal(film_stills(film, 5), once)
    assert once.shape == (5, 180, 320, 3)


def test_a_film_shorter_than_an_excerpt_gives_its_last_frame_again(tmp_path: Path) -> None:
    path = tmp_path / "short.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 24, (320, 180))
    for level in (40, 80, 120):
        writer.write(np.full((180, 320, 3), level, np.uint8))
    writer.release()
    levels = film_excerpts(path, 2).mean((2, 3, 4))
    assert levels.shape == (1, FILM_FRAMES)
    assert np.allclose(levels[0, 2:], 120, atol=3)


def test_textures_are_cut_out_of_the_film(film: Path) -> None:
    clip = Textures(film, 4).sample(np.random.default_rng(1), 9)
    assert clip.shape == (9, 64, 64, 3)

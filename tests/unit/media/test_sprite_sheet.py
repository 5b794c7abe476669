"""The sprite sheet shows the clip's own frames, in their order, and stays small."""

import numpy as np
import pytest
from PIL import Image

from vidgen.media.sprite_sheet import LONGEST_SIDE, SpriteSheet
from vidgen.media.tiles import MOST_TILES, chosen_frames, columns_of


def grey(levels: list[int], width: int = 32, height: int = 16) -> np.ndarray:
    """One plain frame a level."""
    return np.stack([np.full((height, width, 3), level, np.uint8) for level in levels])


@pytest.mark.parametrize(("frames", "tiles"), [(1, 1), (5, 5), (25, 25), (26, 25), (10_000, 25)])
def test_the_first_and_the_last_frame_are_always_there(frames, tiles):
    chosen = chosen_frames(frames)
    assert len(set(chosen)) == len(chosen) == tiles
    assert (chosen[0], chosen[-1]) == (0, frames - 1)
    assert chosen == sorted(chosen)


def test_tiles_lie_in_the_order_of_time_and_the_frames_pass_unchanged(tmp_path):
    levels = [20, 60, 100, 140, 180]
    sheet = SpriteSheet(len(levels))
    chunks = [grey(levels[:2]), grey(levels[2:])]
    passed = np.concatenate(list(sheet.through(iter(chunks))))
    assert np.array_equal(passed, grey(levels))
    # 3 columns and 2 rows; the sixth place is empty
    assert sheet.write(tmp_path / "sheet.jpg") == (3 * 32, 2 * 16)
    with Image.open(tmp_path / "sheet.jpg") as picture:
        pixels = np.asarray(picture).reshape(2, 16, 3, 32, 3)
    means = pixels.mean((1, 3, 4)).reshape(-1)
    assert means == pytest.approx([*levels, 0], abs=2)


def test_a_large_clip_gives_small_tiles(tmp_path):
    sheet = SpriteSheet(1000)
    for _ in sheet.through(grey([n % 256], 640, 320) for n in range(1000)):
        pass
    assert sheet.num_tiles == MOST_TILES
    columns = columns_of(MOST_TILES)
    assert sheet.write(tmp_path / "sheet.jpg") == (columns * LONGEST_SIDE, columns * LONGEST_SIDE // 2)


def test_a_clip_that_ends_early_gives_fewer_tiles(tmp_path):
    sheet = SpriteSheet(25)
    list(sheet.through(iter([grey([1, 2, 3])])))
    assert sheet.num_tiles == 3
    assert sheet.write(tmp_path / "sheet.jpg") == (2 * 32, 2 * 16)

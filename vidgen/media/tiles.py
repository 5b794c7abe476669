"""Where the tiles of a sprite sheet are and which frames they show. Loads no decoder."""

from math import ceil, sqrt

MOST_TILES = 25


def chosen_frames(num_frames: int) -> list[int]:
    """Indices of the frames that become tiles: all of a short clip, MOST_TILES of a long one."""
    tiles = min(num_frames, MOST_TILES)
    return [round(n * (num_frames - 1) / max(tiles - 1, 1)) for n in range(tiles)]


def columns_of(num_tiles: int) -> int:
    """The grid is as near to a square of tiles as it can be; what is left over in the last row is black."""
    return ceil(sqrt(num_tiles))

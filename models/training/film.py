"""The film as training material: its shots, split into trained and held-out ones, and short runs of frames of each.

Knows where shots begin and what was set aside. Does not know what the frames are used for. The prepared file is
`film-256.json` beside the frames in `film-256.bin` in the work folder; it is made once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from vidgen.media.cuts import is_cut

HEIGHT, WIDTH = 256, 448  # of the prepared frames
RUN = 7  # consecutive frames kept together
EVERY = 14  # a run begins every so many frames of a shot
MARGIN = 2  # frames left out at each end of a shot, where fades are
HOLD_OUT = 6  # one shot in so many is never trained on


@dataclass(frozen=True, slots=True)
class Film:
    """Runs of RUN frames: `runs` is uint8 [n, RUN, HEIGHT, WIDTH, 3], `shots` the number of each run's shot."""

    runs: NDArray[np.uint8]
    shots: NDArray[np.int64]

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """Which runs belong to shots that no recipe trains on."""
        return is_held_out(self.shots)

    def trained(self) -> NDArray[np.int64]:
        return np.flatnonzero(~self.held_out)

    def kept(self) -> NDArray[np.int64]:
        return np.flatnonzero(self.held_out)


def is_held_out(shots: NDArray[np.int64]) -> NDArray[np.bool_]:
    """One shot in HOLD_OUT, spread over the whole film."""
    return shots % HOLD_OUT == 3


def decode(
    film: Path, height: int = HEIGHT, width: int | None = None, stretch_to: int | None = None
) -> Iterator[NDArray[np.uint8]]:
    """Every frame of `film`, area-averaged to `height` rows and cut to the middle `width` columns, RGB.

    With `stretch_to` it is made so many columns wide instead.
    """
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        scaled = stretch_to or 2 * round(height * stream.width / stream.height / 2)
        left = (scaled - (width or scaled)) // 2
        for frame in container.decode(stream):
            small = frame.reformat(width=scaled, height=height, format="rgb24", interpolation="AREA")
            yield small.to_ndarray()[:, left : left + (width or scaled)]


def runs_of(frames: Iterator[NDArray[np.uint8]]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Cuts a film into shots, and yields (shot number, RUN consecutive frames) from the inside of each."""
    shot, inside, run = 0, 0, list[NDArray[np.uint8]]()
    before: NDArray[np.uint8] | None = None
    for frame in frames:
        if before is not None and is_cut(before, frame):
            shot, inside, run = shot + 1, 0, []
        before, inside = frame, inside + 1
        if inside > MARGIN and (inside - MARGIN - 1) % EVERY < RUN:
            run.append(frame)
        elif len(run) == RUN:  # one more frame of the same shot came after the run
            yield shot, np.stack(run)
            run = []


def prepare(film: Path, work: Path) -> Film:
    """The film's runs, from the work folder or else decoded into it."""
    data, index = work / "film-256.bin", work / "film-256.json"
    if not index.exists():
        shots = []
        with data.open("wb") as file:
            for shot, run in runs_of(decode(film, width=WIDTH)):
                file.write(run.tobytes())
                shots.append(shot)
        index.write_text(json.dumps(shots))
    shots = np.array(json.loads(index.read_text()), np.int64)
    return Film(np.memmap(data, np.uint8, "r", shape=(len(shots), RUN, HEIGHT, WIDTH, 3)), shots)

"""Measures frames as they stream by: of the frames themselves it keeps three, whatever the length of the clip."""

from collections.abc import Iterable, Iterator
from copy import copy

import numpy as np

from vidgen.media.frames import FrameChunk
from vidgen.quality.seams.acceleration import acceleration
from vidgen.quality.seams.aligned_colour import aligned_difference, residual, shared_step
from vidgen.quality.seams.drift import GRID, places
from vidgen.quality.seams.flash import distance, small
from vidgen.quality.seams.flow import Flow
from vidgen.quality.seams.ghost import detail
from vidgen.quality.seams.picture import Picture, Plane, picture_of
from vidgen.quality.seams.series import COLUMNS, Series


class SeamMeter:
    """Takes frames one after the other; `series` gives what was measured so far."""

    def __init__(self) -> None:
        self._flow = Flow()
        self._before: Picture | None = None
        self._motion: Plane | None = None
        self._small: list[Plane] = []
        self._rows: list[tuple[float, ...]] = []
        self._places: list[Plane] = []

    def through(self, chunks: Iterable[FrameChunk]) -> Iterator[FrameChunk]:
        """Pass the frames on unchanged."""
        for chunk in chunks:
            self.add(chunk)
            yield chunk

    def add(self, chunk: FrameChunk) -> None:
        """`uint8 [frames, height, width, 3]`; all frames of a clip have one size."""
        for frame in chunk:
            self._take(picture_of(frame))

    def series(self) -> Series:
        rows = np.asarray(self._rows, np.float64).reshape(-1, len(COLUMNS))
        return Series(rows, np.asarray(self._places, np.float32).reshape(-1, GRID, GRID, 3))

    def branched(self) -> "SeamMeter":
        """One that has seen the same frames and goes on by itself."""
        other = copy(self)
        other._small, other._rows, other._places = list(self._small), list(self._rows), list(self._places)
        return other

    def _take(self, now: Picture) -> None:
        self._small = [*self._small[-2:], small(now.lab)]
        near = distance(self._small[-2], self._small[-1]) if len(self._small) > 1 else 0.0
        far = distance(self._small[0], self._small[2]) if len(self._small) > 2 else 0.0
        self._rows.append((*self._step(now), now.sharpness, near, far, detail(now.lab)))
        self._places.append(places(now.lab))
        self._before = now

    def _step(self, now: Picture) -> tuple[float, float, float]:
        """Shared colour step, residual and acceleration from the frame before to this one."""
        if self._before is None:
            return 0.0, 0.0, 0.0
        motion = self._flow.between(self._before, now)
        difference = aligned_difference(self._before.lab, now.lab, motion)
        shared = shared_step(difference)
        changed = 0.0 if self._motion is None else acceleration(self._motion, motion)
        self._motion = motion
        return float(np.linalg.norm(shared)), residual(difference, shared), changed

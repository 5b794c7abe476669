"""The seam gate: measures each chunk as it is made, against the shot so far, before the next one begins.

It decodes a chunk by itself, with a little of what lies before it. So what it decides is a function of committed
latents, and a run that is gone on with decides the same.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vidgen.longvideo.joints import frames_before, joint_at, joint_into, met_at, own_joint
from vidgen.longvideo.planner import GROUP, Window
from vidgen.media.frames import FrameChunk
from vidgen.quality.seams import Joint, JointReport, SeamMeter, Series, judge
from vidgen.quality.seams.series import COLUMNS
from vidgen.runtime.context import RunContext
from vidgen.stages.decode_latents import to_uint8
from vidgen.stages.model import CausalDecoder, Decoder

LOOKED_BACK = 5
"""Latent frames before a window that are decoded with it. With two or three, the light of the window's first frames
changes by half a ΔE a step and more, which the whole stream does not; with five it no longer does."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """The series of a window's frames, and the last of them as they were decoded."""

    series: Series
    last: FrameChunk


class RunUp:
    """What lies before a window in its stream, for every attempt at the window: decoded and measured once, where the
    decoder looks back alone. `before` are its latents, None where the window opens its stream.
    """

    def __init__(self, model: Decoder, before: Tensor | None, ctx: RunContext, group: int = GROUP) -> None:
        self._model, self._ctx, self._group = model, ctx, group
        self._before, self._meter = before, SeamMeter()
        self._decoded: Any = None
        if isinstance(model, CausalDecoder):
            self._decoded = model.nothing_decoded()
            if before is not None:
                self._see(self._meter, model.decode_on(self._decoded, before))

    def measured(self, latents: Tensor) -> Measured:
        """A window with these latents. Raises Cancelled between groups of frames."""
        meter = self._meter.branched()
        if isinstance(self._model, CausalDecoder):
            last = self._see(meter, self._model.decode_on(self._decoded.branched(), latents))
        else:
            before = () if self._before is None else (self._before.to(latents),)
            last = self._see(meter, self._model.decode(torch.cat([*before, latents], 2)))
        left_out = 0 if self._before is None else frames_before(self._before.shape[2], self._group)
        return Measured(meter.series()[left_out:], last)

    def _see(self, meter: SeamMeter, decoded: Iterable[Tensor]) -> FrameChunk:
        """The last group of frames."""
        frames = None
        for pixels in decoded:
            self._ctx.checkpoint()
            frames = to_uint8(pixels)
            meter.add(frames)
        assert frames is not None
        return frames


def measured(model: Decoder, before: Tensor | None, latents: Tensor, ctx: RunContext, group: int = GROUP) -> Series:
    """The series of a window's frames, in one attempt."""
    return RunUp(model, before, ctx, group).measured(latents).series


def as_tensors(series: Series) -> dict[str, Tensor]:
    """What is committed beside a chunk's latents, so that nothing is measured twice."""
    return {"seam_rows": torch.from_numpy(series.rows), "seam_places": torch.from_numpy(series.places)}


def from_tensors(tensors: dict[str, Tensor]) -> Series | None:
    """None when the chunk was committed without, or by a version that measured something else."""
    rows = tensors.get("seam_rows")
    if rows is None or rows.shape[1] != len(COLUMNS):
        return None
    return Series(rows.numpy().astype(np.float64), tensors["seam_places"].numpy())


def joint_ahead(
    model: Decoder,
    window: Window,
    latents: Tensor,
    after: Tensor,
    ctx: RunContext,
    group: int = GROUP,
    *,
    blended: bool = True,
    opens: bool = False,
    held: bool = False,
) -> JointReport:
    """On the joint at which a window that was made last leads up to what is there: `after` are latents past its end.

    A window that is not `blended` with what follows leaves that as it was. `opens`: what follows has another prompt.
    `held`: the window ends on what is there as it is, as where it leads up to a clip.
    """
    meter = SeamMeter()
    for pixels in model.decode(torch.cat([latents, after.to(latents)], 2)):
        ctx.checkpoint()
        meter.add(to_uint8(pixels))
    tail = window.length - window.tail
    if held:
        joint = joint_into(window.length, window.tail, group)
    else:
        joint = joint_at(tail, window.length, group) if blended else met_at(tail, group)
    joint = replace(joint, opens=opens)
    return judge(meter.series(), [joint]).joints[-1]


@dataclass(frozen=True, slots=True, eq=False)
class ShotSoFar:
    """What was measured of a shot up to the chunk in hand. `offset` frames of the shot come before the series."""

    series: Series
    offset: int
    joints: tuple[Joint, ...] = ()
    group: int = GROUP

    def followed(self, window: Window, series: Series, *, opens: bool) -> "ShotSoFar":
        """With a chunk more: from its first frame on its frames take the place of the earlier ones."""
        kept = self.series[: frames_before(window.start, self.group) - self.offset]
        joint = own_joint(window, self.group, opens=opens).moved(-self.offset)
        return replace(self, series=kept + series, joints=(*self.joints, joint))

    def verdict(self) -> JointReport:
        """On the last joint."""
        return judge(self.series, self.joints).joints[-1]


class SeamGate:
    """Remembers the shot in hand. `opens` tells windows whose prompt may ask for other colours than the
    one before had: those are measured there, and not judged."""

    def __init__(self, opens: Callable[[Window], bool], group: int = GROUP) -> None:
        self._opens, self._group, self._shot = opens, group, -1
        self._so_far: ShotSoFar | None = None

    def begin(self, window: Window, series: Series) -> None:
        """A window that is joined to nothing before it. The first latent frame that is decoded shows one frame."""
        self._shot, self._so_far = window.shot, ShotSoFar(series, self._group * window.start, group=self._group)

    def goes_on_from(self, series: Series, offset: int) -> None:
        """The first shot is there already up to its first window; `offset` of its frames come before the series."""
        self._shot, self._so_far = 0, ShotSoFar(series, offset, group=self._group)

    def verdict(self, window: Window, series: Series) -> JointReport | None:
        """On the joint at which the window goes on from the chunk that was accepted last; None where there is none."""
        if self._so_far is None or window.shot != self._shot or window.head == 0 or window.tail > 0:
            return None
        return self._so_far.followed(window, series, opens=self._opens(window)).verdict()

    def accept(self, window: Window, series: Series) -> None:
        """The window's chunk is part of the clip: what follows is measured against it too."""
        if self.verdict(window, series) is None or self._so_far is None:
            self.begin(window, series)
        else:
            self._so_far = self._so_far.followed(window, series, opens=self._opens(window))

"""Extend-video: what comes after a clip's frame, or what came before it, joined to the clip without a jump.

A clip that was made here and whose latents are still kept is gone on from in latents: its frames come out as they
were. Of any other clip the frames near the joint are encoded, once; the clip's own frames fade into their
reconstruction there, so that no step shows where the autoencoder takes over.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from vidgen.errors import SpecError
from vidgen.longvideo.anchor import levels
from vidgen.longvideo.gate import LOOKED_BACK
from vidgen.longvideo.history import History, taken_over
from vidgen.longvideo.plan_of_spec import place_of, sizes_of, spans_of
from vidgen.longvideo.planner import GROUP, Windows, plan, plan_backward
from vidgen.longvideo.script import Script
from vidgen.media.frames import FrameChunk
from vidgen.media.tensor import to_pixels
from vidgen.pipelines.conditions import Conditions
from vidgen.pipelines.long_video import (
    clip_of,
    latent_frames_shown,
    prompts_of,
    settings_of,
    skipped,
)
from vidgen.pipelines.resolved import Resolved
from vidgen.pipelines.source_clip import SourceClip, extended_frames
from vidgen.pipelines.stills import STILL_GROUPS, suffix_stills
from vidgen.pipelines.window_control import WindowControl
from vidgen.runtime.context import RunContext
from vidgen.spec import ExtendVideo, LongFields
from vidgen.spec.conditioning.camera_words import worded
from vidgen.stages.decode_latents import decode_latents
from vidgen.stages.model import VideoModel

RUN_UP = 2 * LOOKED_BACK
"""Latent frames before those that are held, for the seam gate to measure the clip's end by."""
FADE = 8
"""Frames over which a clip's own frames give way to their reconstruction."""
LEAD = 2
"""Latent frames at a stream's start that are unlike those in its middle: encoded, and not gone on from."""


class ExtendVideoPipeline:
    """Clip → latents next to the joint → further windows → frames of both."""

    def __init__(self, model: VideoModel) -> None:
        self.model = model

    def __call__(self, spec: ExtendVideo, ctx: RunContext) -> Iterator[FrameChunk]:
        spec = worded(spec, self.model.conditioning)
        source = SourceClip.of(spec, ctx)
        if spec.direction == "backward":
            yield from self._backward(spec, ctx, source)
            return
        name = f"{spec.video.key}/{source.length}"
        history = taken_over(ctx.chunks, ctx.lender, self.model.fingerprint, name, source.length)
        if history is None:
            yield from self._forward(spec, ctx, source)
        else:
            yield from self._carried(spec, ctx, history)

    def _carried(self, spec: ExtendVideo, ctx: RunContext, history: History) -> Iterator[FrameChunk]:
        """Go on from the clip's own latents; all of it is decoded once more."""
        size = sizes_of(spec.long or LongFields())
        script = self._after(spec, ctx, history.last(size.overlap_max), history.length, size, history.frames)
        run_up = history.last(size.overlap_max + RUN_UP)
        script = replace(script, history=history, run_up=run_up, sealable=not spec.post)
        clip = clip_of(self.model, script, spec, ctx, history.frames)
        chunks = clip.make()
        done, total = 0, extended_frames(spec, ctx)
        *shots, last = history.streams()
        (made,) = clip.streams(chunks)
        for stream in (*shots, chain(last, made)):
            for frames in decode_latents(self.model, stream, total, ctx, done=done):
                done += len(frames)
                yield frames

    def _forward(self, spec: ExtendVideo, ctx: RunContext, source: SourceClip) -> Iterator[FrameChunk]:
        """Encode the clip's end as a stream of its own, and go on from that."""
        size = sizes_of(spec.long or LongFields())
        tail = min(latent_frames_shown(size.overlap_max + LEAD), (source.length - 1) // GROUP * GROUP + 1)
        encoded = torch.cat([*self._encoded(source.read(source.length - tail, source.length))], 2)
        script = self._after(spec, ctx, encoded, encoded.shape[2], size, source.length)
        clip = clip_of(self.model, script, spec, ctx, source.length)
        (made,) = clip.streams(clip.make())
        fade = min(FADE, tail)
        yield from source.read(0, source.length - fade)
        total = extended_frames(spec, ctx)
        decoded = decode_latents(self.model, chain([encoded], made), total, ctx, done=source.length - tail)
        rest = skipped(decoded, tail - fade)
        yield from faded(source.read(source.length - fade, source.length), rest, _ramp(fade))

    def _backward(self, spec: ExtendVideo, ctx: RunContext, source: SourceClip) -> Iterator[FrameChunk]:
        """Encode the clip's beginning as it would lie in the middle of a stream, and lead up to that."""
        size, asked = sizes_of(spec.long or LongFields()), Resolved.of(spec)
        groups = min(size.overlap + LEAD, source.length // GROUP)
        if groups < 1:
            raise SpecError(f"video: {source.length} frames stay of the clip; at least {GROUP} must", field="video")
        begun = self._begun(source, groups)
        windows = plan_backward(asked.num_frames, size, future=groups)
        first = windows[0].stop - windows[0].tail
        script = replace(
            self._script(spec, ctx, (1,)),
            windows=windows,
            pins={(0, first + n): begun[:, :, n : n + 1] for n in range(groups)},
            reference=levels(begun),
            end=first,
            sealable=False,
        )
        clip = clip_of(self.model, script, spec, ctx)
        (made,) = clip.streams(clip.make())
        length, fade = latent_frames_shown(first), min(FADE, GROUP * groups)
        decoded = decode_latents(self.model, chain(made, [begun]), extended_frames(spec, ctx), ctx)
        yield from faded(source.read(0, fade), decoded, _ramp(fade)[::-1], after=length)
        yield from source.read(fade, source.length)

    def _after(
        self, spec: ExtendVideo, ctx: RunContext, last: Tensor, length: int, size: Windows, frames: int
    ) -> Script:
        """The script of what follows a stream of `length` latent frames, which end with `last` and show `frames`."""
        begin, opened = length - last.shape[2], -GROUP * (length - 1)
        return replace(
            self._script(spec, ctx, (opened,)),
            windows=plan(spans_of(spec), size, history=length),
            pins={(0, begin + n): last[:, :, n : n + 1] for n in range(last.shape[2])} | self._ended(spec, ctx, opened),
            reference=levels(last),
            begin=length,
            run_up=last,
            clock=(frames + opened,),
            sealable=False,
        )

    def _script(self, spec: ExtendVideo, ctx: RunContext, clock: Sequence[int]) -> Script:
        """What scripts in both directions share. Items speak of the new frames alone, which `clock` counts."""
        long, asked = spec.long or LongFields(), Resolved.of(spec)
        led = WindowControl(self.model, Conditions(spec, ctx, self.model.conditioning).items(), asked, clock)
        return Script(
            windows=(),
            prompts=prompts_of(spec),
            seed=asked.seed,
            settings=settings_of(spec),
            takes=long.takes,
            control=led.of,
            control_name=led.name,
            transitions=[(segment.transition_frames or 0) // GROUP for segment in spec.segments],
            until=long.last_chunk,
            rerolls=long.rerolls or 0,
        )

    def _ended(self, spec: ExtendVideo, ctx: RunContext, opened: int) -> dict[tuple[int, int], Tensor]:
        """The latents of the suffix by their places: held, as in every other task. `opened` is as which of the new
        frames latent frame 1 begins."""
        stills = suffix_stills(self.model, spec, Conditions(spec, ctx, self.model.conditioning))
        return {place_of((opened,), frame): still(False) for frame, still in stills.items()}

    def _encoded(self, frames: Iterable[FrameChunk]) -> Iterator[Tensor]:
        return self.model.encode_stream(map(to_pixels, frames))

    def _begun(self, source: SourceClip, groups: int) -> Tensor:
        """The latents of the clip's first `groups` groups of frames, after a stretch in which its first one rests."""
        (first,) = source.read(0, 1)
        rest = np.repeat(first, GROUP * STILL_GROUPS + 1, axis=0)
        latents = torch.cat([*self._encoded(chain([rest], source.read(0, GROUP * groups)))], 2)
        return latents[:, :, -groups:]


def faded(
    own: Iterable[FrameChunk], decoded: Iterable[FrameChunk], weights: Sequence[float], after: int = 0
) -> Iterator[FrameChunk]:
    """`decoded`, with the `own` frames of a clip laid over it from frame `after` on; `weights` are those of `decoded`.

    Where the weights have ended, `decoded` goes on alone or, when `after` is given, ends.
    """
    place, originals = 0, iter(own)
    for chunk in decoded:
        for frame in chunk:
            n, place = place - after, place + 1
            if 0 <= n < len(weights):
                mixed = weights[n] * frame + (1 - weights[n]) * next(originals)[0]
                yield np.round(mixed).astype(np.uint8)[None]
            elif n < 0 or not after:
                yield np.ascontiguousarray(frame[None])


def _ramp(length: int) -> list[float]:
    """From just above 0 to just below 1."""
    return [(n + 1) / (length + 1) for n in range(length)]

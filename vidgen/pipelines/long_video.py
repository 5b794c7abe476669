"""A clip in windows: plan → chunks, each committed → one causal decode of every shot. A short clip is one window."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from torch import Tensor

from vidgen.longvideo.chained import Chained
from vidgen.longvideo.generate import LongClip
from vidgen.longvideo.loop import turned
from vidgen.longvideo.order import Settings
from vidgen.longvideo.plan_of_spec import clock_of, place_of, sizes_of, spans_of
from vidgen.longvideo.planner import GROUP, Span, Window, latent_frames, plan, plan_from_the_end, plan_loop
from vidgen.longvideo.script import Script
from vidgen.longvideo.together import Together
from vidgen.media.frames import FrameChunk
from vidgen.pipelines.regions import text_parts
from vidgen.pipelines.resolved import Resolved
from vidgen.pipelines.said_camera import camera_parts
from vidgen.pipelines.stills import Still
from vidgen.pipelines.window_control import WindowControl
from vidgen.runtime.context import RunContext
from vidgen.spec import LongFields, SamplingFields
from vidgen.stages.decode_latents import decode_latents
from vidgen.stages.encode_text import TextEmbeddings, encode_text
from vidgen.stages.model import Decoder, VideoModel

NO_STILLS: Mapping[int, Still] = {}


def long_video(
    clip: LongClip, model: Decoder, script: Script, spec: SamplingFields, ctx: RunContext
) -> Iterator[FrameChunk]:
    """Make every chunk, then decode: an error while decoding never loses latents."""
    chunks = clip.make()
    total = Resolved.of(spec).num_frames
    if script.loop and len(chunks) == len(script.windows):
        before, around = clip.around(chunks)
        warm = latent_frames_shown(sum(piece.shape[2] for piece in before))
        yield from turned(skipped(decode_latents(model, chain(before, around), total + warm, ctx), warm), clip.turn)
        return
    done = 0
    for stream in clip.streams(chunks):
        for frames in decode_latents(model, stream, total, ctx, done=done):
            done += len(frames)
            yield frames


def clip_of(model: VideoModel, script: Script, spec: SamplingFields, ctx: RunContext, kept: int = 0) -> LongClip:
    """What makes the script's chunks, in the way that the spec asks for, after `kept` frames that were there before."""
    clock = [begin - kept for begin in script.clock]
    maker = Chained(model, script.settings, text_encoder(model, spec, ctx, clock))
    together = Together(maker, ctx) if spec.long is not None and spec.long.mode == "co_denoise" else None
    return LongClip(maker, script, ctx, together)


def text_encoder(
    model: VideoModel, spec: SamplingFields, ctx: RunContext, clock: Sequence[int]
) -> Callable[[str], TextEmbeddings]:
    """Embeddings of any prompt under the spec's other settings: its regions, and what is said of its camera."""
    regions = text_parts(model, spec, ctx, clock)

    def encoded(prompt: str) -> TextEmbeddings:
        parts = (*camera_parts(model, spec, prompt, clock), *regions)
        return replace(encode_text(model, spec.model_copy(update={"prompt": prompt})), parts=parts)

    return encoded


def latent_frames_shown(latents: int) -> int:
    """How many frames a stream of so many latent frames shows."""
    return GROUP * (latents - 1) + 1 if latents else 0


def skipped(frames: Iterable[FrameChunk], count: int) -> Iterator[FrameChunk]:
    """All but the first `count` frames."""
    for chunk in frames:
        kept = chunk[count:]
        count -= len(chunk) - len(kept)
        if len(kept):
            yield np.ascontiguousarray(kept)


def script_of(
    spec: SamplingFields,
    *,
    control: Callable[[Sequence[int]], WindowControl] | None = None,
    kept: Callable[[Window, Sequence[int]], Tensor] | None = None,
    source: Callable[[Window], Tensor] | None = None,
    strength: float = 1.0,
    stills: Mapping[int, Still] = NO_STILLS,
    group: int = GROUP,
    from_the_end: bool = False,
) -> Script:
    """The script of a resolved spec. `control` makes what windows are conditioned on from the clip's clock.

    `stills` are pictures to be shown, by frame; `group` is how many frames a latent frame shows. `from_the_end`: its
    last window is made first.
    """
    long = spec.long or LongFields()
    spans, clock = spans_of(spec), clock_of(spec)
    places = {place_of(clock, frame): still for frame, still in stills.items()}
    windows = _windows(spec, spans, list(places), group, from_the_end=from_the_end)
    # a loop's canvas begins with its first frame, which its stream shows once more
    led = None if control is None else control((1,) if long.loop else clock)
    return Script(
        windows=windows,
        prompts=prompts_of(spec),
        seed=Resolved.of(spec).seed,
        settings=settings_of(spec, strength),
        takes=long.takes,
        pins={place: still(place[1] == 0) for place, still in places.items()},
        control=None if led is None else led.of,
        control_name=None if led is None else led.name,
        kept=None if kept is None else lambda window: kept(window, clock),
        source=source,
        transitions=[(segment.transition_frames or 0) // GROUP for segment in spec.segments],
        loop=long.loop,
        # where something is asked for at a moment, the moment counts
        turns=not (stills or spec.segments or _moves(spec) or (led is not None and any(map(led.name, windows)))),
        clock=clock,
        until=long.last_chunk,
        sealable=not spec.post,
        rerolls=long.rerolls or 0,
        group=group,
        from_the_end=from_the_end,
    )


def _moves(spec: SamplingFields) -> bool:
    """Whether a region may be somewhere else from frame to frame."""
    return any(region.media is not None and region.media.frame is None for region in spec.regions)


def prompts_of(spec: SamplingFields) -> Sequence[str]:
    """The prompt of each span."""
    return [segment.prompt or spec.prompt for segment in spec.segments] or [spec.prompt]


def settings_of(spec: SamplingFields, strength: float = 1.0) -> Settings:
    """What all chunks of the clip share."""
    asked, long = Resolved.of(spec), spec.long or LongFields()
    return Settings(
        width=asked.width,
        height=asked.height,
        num_inference_steps=asked.num_inference_steps,
        guidance_scale=asked.guidance_scale,
        negative_prompt=spec.negative_prompt,
        anchor=long.anchor or 0.0,
        condition_noise=long.condition_noise or 0.0,
        strength=strength,
        regions="".join(region.model_dump_json() for region in spec.regions) + _moving(spec),
    )


def _moving(spec: SamplingFields) -> str:
    """The camera by its content: it may be said by time, in prompts of its own."""
    return "" if spec.camera is None else f"camera {spec.camera.model_dump_json()} {spec.motion_strength}"


def _windows(
    spec: SamplingFields, spans: Sequence[Span], stops: Sequence[tuple[int, int]], group: int, *, from_the_end: bool
) -> tuple[Window, ...]:
    """The plan; what fits into one window is one, wherever its pictures are."""
    if spec.long is None:
        return (Window(0, 0, 0, 0, latent_frames(Resolved.of(spec).num_frames), 0),)
    if from_the_end:
        return plan_from_the_end(spans, sizes_of(spec.long, group))
    if spec.long.loop:
        return plan_loop(spans, sizes_of(spec.long), stops=stops)
    return plan(spans, sizes_of(spec.long, group), stops=stops)

"""A clip longer than the model's window: plan → chunks, each committed → one causal decode of every shot."""

from collections.abc import Callable, Iterator

from torch import Tensor

from vidgen.errors import SpecError
from vidgen.longvideo.generate import LongClip, Script
from vidgen.longvideo.order import Settings
from vidgen.longvideo.planner import GROUP, Span, Window, Windows, latent_frames, plan
from vidgen.media.frames import FrameChunk
from vidgen.pipelines.resolved import Resolved
from vidgen.runtime.context import RunContext
from vidgen.spec import LongFields, SamplingFields
from vidgen.stages.decode_latents import decode_latents
from vidgen.stages.encode_text import encode_text
from vidgen.stages.model import VideoModel

STILL_GROUPS = 3
"""Groups of frames after which the latent of a picture at rest no longer changes to speak of."""


def long_video(model: VideoModel, script: Script, spec: SamplingFields, ctx: RunContext) -> Iterator[FrameChunk]:
    """Make every chunk, then decode: an error while decoding never loses latents."""
    clip = LongClip(model, script, ctx, lambda prompt: encode_text(model, spec.model_copy(update={"prompt": prompt})))
    chunks, done = clip.make(), 0
    for stream in clip.streams(chunks):
        for frames in decode_latents(model, stream, Resolved.of(spec).num_frames, ctx, done=done):
            done += len(frames)
            yield frames


def script_of(
    spec: SamplingFields,
    *,
    control: Callable[[int], Tensor | None] | None = None,
    control_name: str = "",
    source: Callable[[Window], Tensor] | None = None,
    strength: float = 1.0,
) -> Script:
    """The script of a resolved spec. `control` makes the first window's condition from its number of frames."""
    asked, long = Resolved.of(spec), spec.long or LongFields()
    spans = [Span(segment.frames or 0, segment.cut) for segment in spec.segments] or [Span(asked.num_frames)]
    windows = plan(spans, _sizes(long))
    first = windows[0].length
    return Script(
        windows=windows,
        prompts=[segment.prompt or spec.prompt for segment in spec.segments] or [spec.prompt],
        seed=asked.seed,
        settings=_settings(spec, asked, long, strength),
        takes=long.takes,
        control=None if control is None else lambda: control(GROUP * (first - 1) + 1),
        control_name=control_name,
        source=source,
    )


def at_rest(model: VideoModel, picture: Tensor) -> Tensor:
    """The latent of four frames that all show `picture` (`[3, height, width]`), as in the middle of a stream."""
    still = picture[None, :, None].expand(-1, -1, GROUP * STILL_GROUPS + 1, -1, -1)
    return model.encode_pixels(still)[:, :, -1:]


def _sizes(long: LongFields) -> Windows:
    """The windows' sizes in latent frames. Raises SpecError when the spec was not resolved."""
    if long.window is None or long.overlap is None or long.opening is None:
        raise SpecError("long: empty; resolve the spec against its model first", field="long")
    overlap_max = long.window // GROUP - 1
    return Windows(latent_frames(long.opening), long.window // GROUP, long.overlap // GROUP, overlap_max)


def _settings(spec: SamplingFields, asked: Resolved, long: LongFields, strength: float) -> Settings:
    return Settings(
        width=asked.width,
        height=asked.height,
        num_inference_steps=asked.num_inference_steps,
        guidance_scale=asked.guidance_scale,
        negative_prompt=spec.negative_prompt,
        anchor=long.anchor or 0.0,
        condition_noise=long.condition_noise or 0.0,
        strength=strength,
    )

"""Video-to-video: the source clip, partly turned to noise and denoised again under a new prompt."""

from collections.abc import Callable, Iterator
from functools import partial

from torch import Tensor

from vidgen.components.rectified_flow import first_step
from vidgen.longvideo.planner import GROUP, Window
from vidgen.longvideo.source import SourceLatents
from vidgen.media.frames import FrameChunk
from vidgen.media.source import stream_clip
from vidgen.media.tensor import to_pixels
from vidgen.pipelines.conditions import Conditions
from vidgen.pipelines.long_video import clip_of, long_video, script_of
from vidgen.pipelines.masking import kept_latents
from vidgen.pipelines.resolved import Resolved
from vidgen.pipelines.window_control import WindowControl
from vidgen.runtime.context import RunContext
from vidgen.spec import VideoToVideo
from vidgen.spec.conditioning.camera_words import worded
from vidgen.stages.model import VideoModel


class VideoToVideoPipeline:
    """Source → latents at the noise level of `strength` → denoised latents → frames. Strength 0 is the source.

    In a long clip every window starts from its part of the source, and is conditioned on what the window before made
    of its own. With a mask, only what lies under it is made; the rest is the source's own frames.
    """

    def __init__(self, model: VideoModel) -> None:
        self.model = model

    def __call__(self, spec: VideoToVideo, ctx: RunContext) -> Iterator[FrameChunk]:
        spec = worded(spec, self.model.conditioning)
        asked, strength = Resolved.of(spec), spec.strength or 0.0
        conditions = Conditions(spec, ctx, self.model.conditioning)
        masked, control = conditions.masked(), partial(WindowControl, self.model, conditions.items(), asked)
        read = partial(_read, spec, ctx) if masked is None else partial(_by_groups, masked.source, asked.num_frames)
        if first_step(asked.num_inference_steps, strength) == asked.num_inference_steps:
            yield from read()
            return
        source = SourceLatents(lambda: self.model.encode_stream(map(to_pixels, read())))
        kept = None if masked is None else lambda window, clock: _kept(control(clock), window)
        script = script_of(spec, source=source.of, strength=strength, control=control, kept=kept)
        made = long_video(clip_of(self.model, script, spec, ctx), self.model, script, spec, ctx)
        yield from made if masked is None else masked.pasted(made)


def _read(spec: VideoToVideo, ctx: RunContext) -> Iterator[FrameChunk]:
    asked = Resolved.of(spec)
    shape = {"width": asked.width, "height": asked.height, "num_frames": asked.num_frames, "fps": asked.fps}
    return stream_clip(ctx.media[spec.video.key], **shape)


def _by_groups(read: Callable[[int, int], FrameChunk], num_frames: int) -> Iterator[FrameChunk]:
    return (read(first, min(GROUP, num_frames - first)) for first in range(0, num_frames, GROUP))


def _kept(control: WindowControl, window: Window) -> Tensor:
    """Which of the window's latents lie outside of the mask."""
    canvas, warm = control.canvas(window)
    return kept_latents(canvas.mask, warm)

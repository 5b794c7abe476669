"""Video-to-video: the source clip, partly turned to noise and denoised again under a new prompt."""

from collections.abc import Iterator
from functools import partial

from vidgen.components.rectified_flow import first_step
from vidgen.longvideo.source import SourceLatents
from vidgen.media.frames import FrameChunk
from vidgen.media.source import stream_clip
from vidgen.media.tensor import to_pixels
from vidgen.pipelines.long_video import long_video, script_of
from vidgen.pipelines.resolved import Resolved
from vidgen.runtime.context import RunContext
from vidgen.spec import VideoToVideo
from vidgen.stages.model import VideoModel


class VideoToVideoPipeline:
    """Source → latents at the noise level of `strength` → denoised latents → frames. Strength 0 is the source.

    In a long clip every window starts from its part of the source, and is conditioned on what the window before made
    of its own.
    """

    def __init__(self, model: VideoModel) -> None:
        self.model = model

    def __call__(self, spec: VideoToVideo, ctx: RunContext) -> Iterator[FrameChunk]:
        asked, strength = Resolved.of(spec), spec.strength or 0.0
        shape = {"width": asked.width, "height": asked.height, "num_frames": asked.num_frames, "fps": asked.fps}
        read = partial(stream_clip, ctx.media[spec.video.key], **shape)
        if first_step(asked.num_inference_steps, strength) == asked.num_inference_steps:
            yield from read()
            return
        source = SourceLatents(lambda: self.model.encode_stream(map(to_pixels, read())))
        script = script_of(spec, source=source.of, strength=strength)
        yield from long_video(self.model, script, spec, ctx)

"""Video-to-video: the source clip, partly turned to noise and denoised again under a new prompt."""

from collections.abc import Callable, Iterator
from functools import partial

from vidgen.components.rectified_flow import add_noise, first_step
from vidgen.longvideo.source import SourceLatents
from vidgen.media.frames import FrameChunk
from vidgen.media.source import read_clip, stream_clip
from vidgen.media.tensor import to_pixels
from vidgen.pipelines.long_video import long_video, script_of
from vidgen.pipelines.resolved import Resolved
from vidgen.runtime.context import RunContext
from vidgen.runtime.seeding import frame_noise
from vidgen.spec import VideoToVideo
from vidgen.stages.decode_latents import decode_latents
from vidgen.stages.denoise import denoise
from vidgen.stages.encode_text import encode_text
from vidgen.stages.model import VideoModel


class VideoToVideoPipeline:
    """Source → latents at the noise level of `strength` → denoised latents → frames. Strength 0 is the source."""

    def __init__(self, model: VideoModel) -> None:
        self.model = model

    def __call__(self, spec: VideoToVideo, ctx: RunContext) -> Iterator[FrameChunk]:
        asked = Resolved.of(spec)
        shape = {"width": asked.width, "height": asked.height, "num_frames": asked.num_frames, "fps": asked.fps}
        if spec.long is not None:
            yield from self._long(spec, ctx, partial(stream_clip, ctx.media[spec.video.key], **shape))
            return
        source = read_clip(ctx.media[spec.video.key], **shape)
        begin = first_step(asked.num_inference_steps, spec.strength or 0.0)
        if begin == asked.num_inference_steps:
            yield source
            return
        text = encode_text(self.model, spec)
        scheduler = self.model.scheduler(asked.num_inference_steps)
        clean = self.model.encode_pixels(to_pixels(source))
        noise = frame_noise(asked.seed, 0, self.model.latent_shape(asked.num_frames, asked.height, asked.width))
        latents = denoise(
            self.model,
            scheduler,
            add_noise(clean, noise.to(clean.device), float(scheduler.sigmas[begin])),
            text,
            ctx,
            guidance_scale=asked.guidance_scale,
            first_step=begin,
        )
        yield from decode_latents(self.model, latents, asked.num_frames, ctx)

    def _long(
        self, spec: VideoToVideo, ctx: RunContext, read: Callable[[], Iterator[FrameChunk]]
    ) -> Iterator[FrameChunk]:
        """Every window starts from its part of the source and is conditioned on what the window before made of its."""
        if first_step(Resolved.of(spec).num_inference_steps, spec.strength or 0.0) == spec.num_inference_steps:
            yield from read()
            return
        source = SourceLatents(lambda: self.model.encode_stream(map(to_pixels, read())))
        script = script_of(spec, source=source.of, strength=spec.strength or 0.0)
        yield from long_video(self.model, script, spec, ctx)

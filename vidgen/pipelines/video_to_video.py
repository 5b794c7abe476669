"""Video-to-video: the source clip, partly turned to noise and denoised again under a new prompt."""

from collections.abc import Iterator

from vidgen.components.rectified_flow import add_noise, first_step
from vidgen.media.frames import FrameChunk
from vidgen.media.source import read_clip
from vidgen.media.tensor import to_pixels
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
        source = read_clip(
            ctx.media[spec.video.key],
            width=asked.width,
            height=asked.height,
            num_frames=asked.num_frames,
            fps=asked.fps,
        )
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

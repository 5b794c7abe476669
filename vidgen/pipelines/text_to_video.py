"""Text-to-video: a prompt and noise."""

from collections.abc import Iterator

from vidgen.media.frames import FrameChunk
from vidgen.pipelines.long_video import long_video, script_of
from vidgen.pipelines.resolved import Resolved
from vidgen.runtime.context import RunContext
from vidgen.runtime.seeding import frame_noise
from vidgen.spec import TextToVideo
from vidgen.stages.decode_latents import decode_latents
from vidgen.stages.denoise import denoise
from vidgen.stages.encode_text import encode_text
from vidgen.stages.model import VideoModel


class TextToVideoPipeline:
    """Prompt → embeddings → denoised latents → frames."""

    def __init__(self, model: VideoModel) -> None:
        self.model = model

    def __call__(self, spec: TextToVideo, ctx: RunContext) -> Iterator[FrameChunk]:
        if spec.long is not None:
            yield from long_video(self.model, script_of(spec), spec, ctx)
            return
        asked = Resolved.of(spec)
        text = encode_text(self.model, spec)
        shape = self.model.latent_shape(asked.num_frames, asked.height, asked.width)
        latents = denoise(
            self.model,
            self.model.scheduler(asked.num_inference_steps),
            frame_noise(asked.seed, 0, shape),
            text,
            ctx,
            guidance_scale=asked.guidance_scale,
        )
        yield from decode_latents(self.model, latents, asked.num_frames, ctx)

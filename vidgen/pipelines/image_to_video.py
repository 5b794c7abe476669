"""Image-to-video: the given picture is frame 0, the prompt says what happens next."""

from collections.abc import Iterator
from functools import partial

from torch import Tensor

from vidgen.longvideo.fingerprint import content_hash
from vidgen.media.frames import FrameChunk
from vidgen.media.source import read_picture
from vidgen.media.tensor import to_pixels
from vidgen.motion.keyframe import Keyframe
from vidgen.pipelines.long_video import long_video, script_of
from vidgen.pipelines.resolved import Resolved
from vidgen.runtime.context import RunContext
from vidgen.runtime.seeding import frame_noise
from vidgen.spec import ImageToVideo
from vidgen.stages.decode_latents import decode_latents
from vidgen.stages.denoise import denoise
from vidgen.stages.encode_conditioning import encode_conditioning
from vidgen.stages.encode_text import encode_text
from vidgen.stages.model import VideoModel


class ImageToVideoPipeline:
    """Prompt and first frame → latents denoised under that condition → frames."""

    def __init__(self, model: VideoModel) -> None:
        self.model = model

    def __call__(self, spec: ImageToVideo, ctx: RunContext) -> Iterator[FrameChunk]:
        asked = Resolved.of(spec)
        size = {"height": asked.height, "width": asked.width}
        picture = to_pixels(read_picture(ctx.media[spec.image.key], frame=spec.image.frame, **size))
        if spec.long is not None:
            script = script_of(spec, control=partial(self._begin, picture, size), control_name=content_hash(picture))
            yield from long_video(self.model, script, spec, ctx)
            return
        text = encode_text(self.model, spec)
        control = self._begin(picture, size, asked.num_frames)
        latents = denoise(
            self.model,
            self.model.scheduler(asked.num_inference_steps),
            frame_noise(asked.seed, 0, self.model.latent_shape(asked.num_frames, **size)),
            text,
            ctx,
            guidance_scale=asked.guidance_scale,
            control=control,
        )
        yield from decode_latents(self.model, latents, asked.num_frames, ctx)

    def _begin(self, picture: Tensor, size: dict[str, int], num_frames: int) -> Tensor | None:
        """The condition of a clip, or of a long clip's first window, that begins with `picture`."""
        return encode_conditioning(self.model, [Keyframe(picture[0, :, 0])], num_frames=num_frames, **size)

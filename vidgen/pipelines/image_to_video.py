"""Image-to-video: the given picture is frame 0, the prompt says what happens next, another picture may end it."""

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from vidgen.longvideo.fingerprint import content_hash
from vidgen.media.frames import FrameChunk
from vidgen.media.source import read_picture
from vidgen.media.tensor import to_pixels
from vidgen.motion.keyframe import Keyframe
from vidgen.pipelines.long_video import at_rest, long_video, script_of
from vidgen.pipelines.resolved import Resolved
from vidgen.runtime.context import RunContext
from vidgen.runtime.seeding import frame_noise
from vidgen.spec import ImageToVideo, MediaRef
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
        first = _picture(spec.image, ctx, size)
        last = None if spec.last_image is None else _picture(spec.last_image, ctx, size)
        if spec.long is not None:
            yield from self._long(spec, ctx, first, last)
            return
        text = encode_text(self.model, spec)
        keyframes = [Keyframe(first)] if last is None else [Keyframe(first), Keyframe(last, index=-1)]
        control = encode_conditioning(self.model, keyframes, num_frames=asked.num_frames, **size)
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

    def _long(self, spec: ImageToVideo, ctx: RunContext, first: Tensor, last: Tensor | None) -> Iterator[FrameChunk]:
        """The first window is a clip that begins with its picture, the last one arrives at the latents of the other."""
        height, width = first.shape[1:]

        def control(num_frames: int) -> Tensor | None:
            items = [Keyframe(first)]
            return encode_conditioning(self.model, items, num_frames=num_frames, height=height, width=width)

        script = script_of(spec, control=control, control_name=content_hash(first))
        if last is not None:
            script = replace(script, tail=at_rest(self.model, last))
        yield from long_video(self.model, script, spec, ctx)


def _picture(ref: MediaRef, ctx: RunContext, size: dict[str, int]) -> Tensor:
    """`[3, height, width]` in -1..1."""
    return to_pixels(read_picture(ctx.media[ref.key], frame=ref.frame, **size))[0, :, 0]

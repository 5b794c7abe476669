"""Image-to-video: the given picture is frame 0, the prompt says what happens next, another picture may end it."""

from collections.abc import Iterator

from torch import Tensor

from vidgen.longvideo.fingerprint import content_hash
from vidgen.media.frames import FrameChunk
from vidgen.motion.keyframe import Keyframe
from vidgen.pipelines.long_video import long_video, script_of
from vidgen.pipelines.resolved import Resolved
from vidgen.pipelines.stills import read_pixels, stills_of
from vidgen.runtime.context import RunContext
from vidgen.spec import ImageToVideo
from vidgen.stages.encode_conditioning import encode_conditioning
from vidgen.stages.model import VideoModel


class ImageToVideoPipeline:
    """Prompt and first frame → latents denoised under that condition → frames."""

    def __init__(self, model: VideoModel) -> None:
        self.model = model

    def __call__(self, spec: ImageToVideo, ctx: RunContext) -> Iterator[FrameChunk]:
        asked, first = Resolved.of(spec), read_pixels(spec.image, spec, ctx)

        def control(num_frames: int) -> Tensor | None:
            items = [Keyframe(first)]
            return encode_conditioning(self.model, items, num_frames=num_frames, height=asked.height, width=asked.width)

        stills = stills_of(self.model, spec, ctx, {asked.num_frames - 1: spec.last_image})
        script = script_of(spec, control=control, control_name=content_hash(first), stills=stills)
        yield from long_video(self.model, script, spec, ctx)

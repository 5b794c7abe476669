"""Image-to-video: the given picture is frame 0, the prompt says what happens next, another picture may end it."""

from collections.abc import Iterator
from functools import partial

from vidgen.longvideo.fingerprint import content_hash
from vidgen.media.frames import FrameChunk
from vidgen.motion.items import NamedItem
from vidgen.motion.keyframe import Keyframe
from vidgen.pipelines.conditions import Conditions
from vidgen.pipelines.long_video import clip_of, long_video, script_of
from vidgen.pipelines.resolved import Resolved
from vidgen.pipelines.stills import read_pixels, stills_of, suffix_stills
from vidgen.pipelines.window_control import WindowControl
from vidgen.runtime.context import RunContext
from vidgen.spec import ImageToVideo
from vidgen.spec.conditioning.camera_words import worded
from vidgen.stages.model import VideoModel


class ImageToVideoPipeline:
    """Prompt and first frame → latents denoised under that condition → frames."""

    def __init__(self, model: VideoModel) -> None:
        self.model = model

    def __call__(self, spec: ImageToVideo, ctx: RunContext) -> Iterator[FrameChunk]:
        spec = worded(spec, self.model.conditioning)
        asked, first = Resolved.of(spec), read_pixels(spec.image, spec, ctx)
        start = NamedItem(Keyframe(first), content_hash(first), (0, 1))
        conditions = Conditions(spec, ctx, self.model.conditioning)
        control = partial(WindowControl, self.model, conditions.items(start), asked)
        stills = stills_of(self.model, spec, ctx, {asked.num_frames - 1: spec.last_image})
        script = script_of(spec, control=control, stills=stills | suffix_stills(self.model, spec, conditions))
        yield from long_video(clip_of(self.model, script, spec, ctx), self.model, script, spec, ctx)

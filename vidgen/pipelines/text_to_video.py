"""Text-to-video: a prompt and noise, and pictures that the clip comes by where there are any."""

from collections.abc import Iterator
from functools import partial

from vidgen.media.frames import FrameChunk
from vidgen.pipelines.conditions import Conditions
from vidgen.pipelines.long_video import clip_of, long_video, script_of
from vidgen.pipelines.resolved import Resolved
from vidgen.pipelines.stills import stills_of, suffix_stills
from vidgen.pipelines.window_control import WindowControl
from vidgen.runtime.context import RunContext
from vidgen.spec import TextToVideo
from vidgen.spec.conditioning.camera_words import worded
from vidgen.stages.model import VideoModel


class TextToVideoPipeline:
    """Prompt → embeddings → denoised latents → frames."""

    def __init__(self, model: VideoModel) -> None:
        self.model = model

    def __call__(self, spec: TextToVideo, ctx: RunContext) -> Iterator[FrameChunk]:
        spec = worded(spec, self.model.conditioning)
        conditions = Conditions(spec, ctx, self.model.conditioning)
        control = partial(WindowControl, self.model, conditions.items(), Resolved.of(spec))
        stills = stills_of(self.model, spec, ctx) | suffix_stills(self.model, spec, conditions)
        script = script_of(spec, control=control, stills=stills)
        yield from long_video(clip_of(self.model, script, spec, ctx), self.model, script, spec, ctx)

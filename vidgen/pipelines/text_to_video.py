"""Text-to-video: a prompt and noise, and pictures that the clip comes by where there are any."""

from collections.abc import Iterator

from vidgen.media.frames import FrameChunk
from vidgen.pipelines.long_video import long_video, script_of
from vidgen.pipelines.stills import stills_of
from vidgen.runtime.context import RunContext
from vidgen.spec import TextToVideo
from vidgen.stages.model import VideoModel


class TextToVideoPipeline:
    """Prompt → embeddings → denoised latents → frames."""

    def __init__(self, model: VideoModel) -> None:
        self.model = model

    def __call__(self, spec: TextToVideo, ctx: RunContext) -> Iterator[FrameChunk]:
        script = script_of(spec, stills=stills_of(self.model, spec, ctx))
        yield from long_video(self.model, script, spec, ctx)

"""Task and model to recipe."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from vidgen.media.frames import FrameChunk
from vidgen.pipelines.extend_video import ExtendVideoPipeline
from vidgen.pipelines.image_to_video import ImageToVideoPipeline
from vidgen.pipelines.text_to_video import TextToVideoPipeline
from vidgen.pipelines.video_to_video import VideoToVideoPipeline
from vidgen.pipelines.whole_clip import WholeClipPipeline
from vidgen.runtime.context import RunContext
from vidgen.spec.advanced import AdvancedFields
from vidgen.stages.clip_model import ClipModel
from vidgen.stages.model import VideoModel


class Pipeline(Protocol):
    """A recipe: spec and context in, frames out, a chunk at a time."""

    def __call__(self, spec: Any, ctx: RunContext) -> Iterator[FrameChunk]: ...


RECIPES: dict[str, Callable[[VideoModel], Pipeline]] = {
    "text-to-video": TextToVideoPipeline,
    "image-to-video": ImageToVideoPipeline,
    "video-to-video": VideoToVideoPipeline,
    "extend-video": ExtendVideoPipeline,
}


def pipeline_for(task: str, model: VideoModel | ClipModel, advanced: AdvancedFields | None = None) -> Pipeline:
    """The recipe of a task over a loaded model; `resolve` has refused tasks and options that it does not offer."""
    if isinstance(model, ClipModel):
        return WholeClipPipeline(model)  # it hands its request on, options and all
    return RECIPES[task](model.sampled(advanced))

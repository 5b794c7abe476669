"""The job that makes no frames of its own: a clip, the steps it goes through, and how it is delivered."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from vidgen.errors import SpecError
from vidgen.spec.clip_shape import ClipShape, rate
from vidgen.spec.media_ref import MediaRef
from vidgen.spec.output import Output, resolved_output
from vidgen.spec.post import MOST_STEPS, PostStep, shapes_after
from vidgen.spec.unsampled import Unsampled

if TYPE_CHECKING:
    from vidgen.spec.job import JobSpec


class ProcessVideo(Unsampled):
    """Post-processing, or just another format, of a clip. Sides, length and rate are the source's and filled in."""

    task: Literal["process-video"] = "process-video"
    video: MediaRef = Field(description="The clip, whole: it takes no frame.")
    post: tuple[PostStep, ...] = Field(default=(), max_length=MOST_STEPS, description="Steps, in this order.")
    output: Output = Field(default=Output(), description="The delivered file: its format, codec and quality.")
    width: int | None = Field(default=None, description="Of the source, filled in.")
    height: int | None = Field(default=None, description="Of the source, filled in.")
    num_frames: int | None = Field(default=None, description="Of the source, filled in.")
    fps: float | None = Field(default=None, description="Of the source, filled in.")

    # here no model is at work
    model = property(lambda _self: "post-processing")
    prompt = property(lambda _self: "")
    seed = property(lambda _self: None)


def resolve_process(spec: ProcessVideo, source: ClipShape | None) -> ProcessVideo:
    """The spec with the source's measures, its steps and its output checked; `source` None: it is not here yet.

    Raises SpecError.
    """
    if spec.video.frame is not None:
        raise SpecError("video.frame: steps take the whole clip; leave it out", field="video.frame")
    if source is None:
        return spec
    facts = {
        "width": source.width,
        "height": source.height,
        "num_frames": source.num_frames,
        "fps": round(float(source.fps), 3),
    }
    for name, value in facts.items():
        if getattr(spec, name) not in (None, value):
            raise SpecError(f"{name}={getattr(spec, name)}: the source has {value}", field=name, nearest=(value,))
    result = shapes_after(spec.post, source)[-1]
    output = resolved_output(spec.output, fps=result.fps, alpha=result.alpha)
    return spec.model_copy(update={**facts, "output": output})


def delivered_shape(spec: "JobSpec") -> ClipShape:
    """What a resolved spec's clip will measure after all its steps."""
    made = ClipShape(spec.width or 0, spec.height or 0, spec.num_frames or 0, rate(spec.fps or 1))
    return shapes_after(spec.post, made)[-1]

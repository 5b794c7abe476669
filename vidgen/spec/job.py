"""The job spec: one contract for the HTTP API, the command line, the queue and the receipt.

A *requested* spec may leave most fields empty; `vidgen.spec.resolve.resolve` fills and checks them against a model's
rules, and only resolved specs are stored and run.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from vidgen.spec.advanced import AdvancedFields
from vidgen.spec.conditioning.fields import ConditioningFields, conditioning_media
from vidgen.spec.keyframe import KEYFRAME_LIMIT, Keyframe
from vidgen.spec.long import LONGEST_SECONDS, PROMPT_LIMIT, SEGMENT_LIMIT, LongFields, Segment
from vidgen.spec.media_ref import MediaRef
from vidgen.spec.output import Output
from vidgen.spec.post import MOST_STEPS, PostStep, Watermark
from vidgen.spec.process import ProcessVideo
from vidgen.spec.region import REGION_LIMIT, Region
from vidgen.spec.train_lora import TrainLora


class SamplingFields(ConditioningFields):
    """What every task shares. `None` means: the model's default."""

    model: str = Field(
        default="sprites-64", pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="A model id of GET /models."
    )
    prompt: str = Field(default="", max_length=PROMPT_LIMIT, description="What the clip should show.")
    negative_prompt: str = Field(default="", max_length=PROMPT_LIMIT, description="What it should not show.")
    width: int | None = Field(default=None, description="Pixels; a multiple given by the model.")
    height: int | None = Field(default=None, description="Pixels; a multiple given by the model.")
    num_frames: int | None = Field(default=None, description="Frames of the clip; 4k+1 on causal video models.")
    seconds: float | None = Field(
        default=None, gt=0, le=LONGEST_SECONDS, description="In place of num_frames; rounded to a valid number."
    )
    segments: tuple[Segment, ...] = Field(
        default=(), max_length=SEGMENT_LIMIT, description="Prompts over time, in place of num_frames."
    )
    long: LongFields | None = Field(default=None, description="How a clip beyond the model's own window is made.")
    keyframes: tuple[Keyframe, ...] = Field(
        default=(), max_length=KEYFRAME_LIMIT, description="Pictures that the clip shows at given moments."
    )
    regions: tuple[Region, ...] = Field(
        default=(), max_length=REGION_LIMIT, description="Parts of the frame with a prompt of their own."
    )
    fps: int | None = Field(default=None, ge=1, le=120, description="Frames a second of the delivered file.")
    seed: int | None = Field(default=None, ge=-1, lt=2**63, description="-1 or empty: drawn at random and recorded.")
    num_inference_steps: int | None = Field(default=None, description="Denoising steps.")
    guidance_scale: float | None = Field(default=None, description="Classifier-free guidance; 1 switches it off.")
    advanced: AdvancedFields | None = Field(default=None, description="Options that only some models take.")
    post: tuple[PostStep, ...] = Field(
        default=(), max_length=MOST_STEPS, description="Steps that the finished frames go through, in this order."
    )
    output: Output = Field(default=Output(), description="The delivered file: its format, codec and quality.")

    @property
    def chunked(self) -> bool:
        """Whether the clip is made in chunks, each of which is kept: such a job may be stopped early and resumed."""
        return self.long is not None

    @property
    def frames_in_memory(self) -> int:
        """How many frames are worked on at once: those of the clip, or of the longest chunk of a chunked one."""
        frames = self.num_frames or 0
        return frames if self.long is None else min(frames, max(self.long.opening or frames, self.long.window or 0))


class TextToVideo(SamplingFields):
    """A clip from a prompt alone."""

    task: Literal["text-to-video"] = "text-to-video"


class ImageToVideo(SamplingFields):
    """A clip that starts with the given picture (or one frame of the given clip), and may end with another."""

    task: Literal["image-to-video"] = "image-to-video"
    image: MediaRef
    last_image: MediaRef | None = Field(default=None, description="The picture that the clip ends on.")


class VideoToVideo(SamplingFields):
    """A restyle of the given clip: 0 returns the source, 1 keeps nothing of it."""

    task: Literal["video-to-video"] = "video-to-video"
    video: MediaRef = Field(description="The source clip, whole: it takes no frame.")
    strength: float | None = Field(default=None, description="0..1: how far from the source the result may go.")


class ExtendVideo(SamplingFields):
    """The given clip made longer: what comes after one of its frames, or what came before it.

    The new part takes `num_frames` (4k forward, 4k+1 backward); the result is the clip with it. Frames of the clip
    beyond `from_frame`, on the side that is made new, are left out.
    """

    task: Literal["extend-video"] = "extend-video"
    video: MediaRef = Field(description="The clip to go on from, whole: it takes no frame.")
    direction: Literal["forward", "backward"] = "forward"
    from_frame: int | None = Field(
        default=None, description="The clip's frame next to the new part; empty: its last forward, its first backward."
    )
    from_seconds: float | None = Field(
        default=None, ge=0, le=LONGEST_SECONDS, description="In place of from_frame: a moment of the clip."
    )


ClipSpec = TextToVideo | ImageToVideo | VideoToVideo | ExtendVideo | ProcessVideo
"""The jobs that give a clip."""
JobSpec = Annotated[
    TextToVideo | ImageToVideo | VideoToVideo | ExtendVideo | ProcessVideo | TrainLora, Field(discriminator="task")
]
JOB_SPEC: TypeAdapter[TextToVideo | ImageToVideo | VideoToVideo | ExtendVideo | ProcessVideo | TrainLora] = TypeAdapter(
    JobSpec
)


def named_media(spec: SamplingFields | ProcessVideo | TrainLora) -> dict[str, MediaRef]:
    """Every media reference a spec holds, by the name of its field, in their order."""
    if isinstance(spec, TrainLora):
        return {f"clips.{n}.video": clip.video for n, clip in enumerate(spec.clips)}
    plain = {name: value for name, value in spec if isinstance(value, MediaRef)}
    marks = {f"post.{n}.image": step.image for n, step in enumerate(spec.post) if isinstance(step, Watermark)}
    keys = () if isinstance(spec, ProcessVideo) else spec.keyframes
    shown = {f"keyframes.{n}.image": key.image for n, key in enumerate(keys)}
    items = {} if isinstance(spec, ProcessVideo) else conditioning_media(spec)
    regions = () if isinstance(spec, ProcessVideo) else spec.regions
    masks = {f"regions.{n}.media": region.media for n, region in enumerate(regions)} | marks
    return plain | shown | items | {name: ref for name, ref in masks.items() if ref is not None}


def media_refs(spec: SamplingFields | ProcessVideo | TrainLora) -> tuple[MediaRef, ...]:
    """Every media reference a spec holds, in field order."""
    return tuple(named_media(spec).values())

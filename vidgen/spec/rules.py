"""What a model can do, as numbers. A manifest carries one `ModelRules`; `resolve` checks a spec against it."""

from typing import Literal

from pydantic import Field

from vidgen.spec.base import SpecModel
from vidgen.spec.conditioning.rules import ConditioningRules
from vidgen.spec.long import LongMode

LedBy = Literal["video", "last_image", "keyframes", "controls", "references"]
Restyle = Literal["strength", "instruction", "replacement"]
LastImage = Literal["no", "optional", "required"]


class FrameRule(SpecModel):
    """Valid frame counts are `min, min + step, … ≤ max` (4k+1 models: min 5, step 4)."""

    min: int = Field(ge=1)
    max: int = Field(ge=1)
    step: int = Field(ge=1)
    default: int


class LongRule(SpecModel):
    """How the model goes on from a chunk it made: lengths in frames, all multiples of the frames' step."""

    modes: tuple[LongMode, ...] = Field(default=("chain",), min_length=1, description="`long.mode`; the default first.")
    max_frames: int = Field(description="Of a whole clip; 4k+1 on causal models.")
    window: int = Field(description="Each chunk after a shot's first, the carried frames included.")
    overlap: int = Field(description="Frames carried into the next chunk, unless asked otherwise.")
    overlap_min: int
    overlap_max: int = Field(description="Must be less than the window.")
    anchor: float = Field(default=0.25, ge=0, le=1)
    condition_noise: float = Field(default=0.03, ge=0, le=1)
    rerolls: int = Field(default=1, ge=0, le=8, description="Other seeds that a chunk whose joint shows may try.")
    led_by: tuple[LedBy, ...] = Field(default=(), description="Of native windows: what may lead them beside text.")
    from_the_end: bool = Field(default=False, description="Whether native windows are made from the clip's end on.")


class SideRule(SpecModel):
    """Valid sides in pixels are `min, min + multiple, … ≤ max`."""

    min: int = Field(ge=8)
    max: int
    multiple: int = Field(ge=1)
    default_width: int
    default_height: int


class StepRule(SpecModel):
    min: int = Field(ge=1)
    max: int
    default: int


class GuidanceRule(SpecModel):
    """The band of guidance scales within which the model was seen to work."""

    min: float
    max: float
    default: float


class ModelRules(SpecModel):
    tasks: tuple[str, ...]
    frames: FrameRule
    sides: SideRule
    steps: StepRule
    guidance: GuidanceRule
    fps: int = Field(ge=1, description="Frames a second the model was trained at.")
    strength: float = Field(default=0.6, ge=0, le=1, description="Default strength of video-to-video.")
    restyle: Restyle = Field(
        default="strength",
        description="What video-to-video is: a restyle by strength, an edit by the prompt's instruction, or a person "
        "replaced, under a mask, by the one on a reference picture.",
    )
    distilled: bool = Field(
        default=False, description="Made to need no guidance (LCM, DMD): no unconditional pass is ever run."
    )
    negative_prompt: bool = Field(default=True, description="Whether a negative prompt has an effect.")
    sound: bool = Field(default=False, description="Whether its clips come with sound.")
    prompt: bool = Field(default=True, description="Whether the model takes text.")
    weighted_prompts: bool = Field(default=False, description="Whether parts of a prompt may be `(written:1.3)`.")
    last_image: LastImage = Field(default="optional", description="Of image-to-video: whether a clip may end on one.")
    options: tuple[str, ...] = Field(default=(), description="The `advanced` options that the model takes.")
    shift: float | None = Field(default=None, description="Of flow models: the one that it was trained with.")
    prediction: str | None = Field(default=None, description="epsilon, sample, v_prediction or flow_prediction.")
    loras: tuple[str, ...] = Field(default=(), description="Installed LoRAs made for this model.")
    embeddings: tuple[str, ...] = Field(default=(), description="Installed embeddings made for this model.")
    samplers: tuple[str, ...] = Field(default=(), description="What `advanced.sampler` may be.")
    regions: bool = Field(default=False, description="Whether parts of the frame may have a prompt of their own.")
    keyframes: bool = Field(default=False, description="Whether clips can be led by pictures at given moments.")
    conditioning: ConditioningRules = Field(
        default=ConditioningRules(), description="Masks, controls, references, cameras and paths that it takes."
    )
    long: LongRule | None = Field(default=None, description="None: the model makes single windows only.")

    @property
    def any_frames(self) -> FrameRule:
        """Valid lengths of a clip, made in one window or in several."""
        return self.frames if self.long is None else self.frames.model_copy(update={"max": self.long.max_frames})


def whole_groups(rule: FrameRule, least: int) -> FrameRule:
    """The rule of what adds whole groups of frames to a clip: multiples of the step, `least` at least."""
    most = rule.max // rule.step * rule.step
    default = min(max(least, rule.default // rule.step * rule.step), most)
    return FrameRule(min=least, max=most, step=rule.step, default=default)


def nearest_frame_counts(num_frames: int, rule: FrameRule) -> tuple[int, ...]:
    """The one or two valid frame counts that lie nearest to `num_frames`."""
    last = rule.min + (rule.max - rule.min) // rule.step * rule.step
    if num_frames <= rule.min:
        return (rule.min,)
    if num_frames >= last:
        return (last,)
    below = rule.min + (num_frames - rule.min) // rule.step * rule.step
    return (below,) if below == num_frames else (below, below + rule.step)


def nearest_side(pixels: int, rule: SideRule) -> int:
    """The valid side that lies nearest to `pixels`."""
    clamped = min(max(pixels, rule.min), rule.max)
    nearest = rule.min + round((clamped - rule.min) / rule.multiple) * rule.multiple
    return nearest if nearest <= rule.max else nearest - rule.multiple

"""What a model can do, as numbers. A manifest carries one `ModelRules`; `resolve` checks a spec against it."""

from pydantic import Field

from vidgen.spec.base import SpecModel


class FrameRule(SpecModel):
    """Valid frame counts are `min, min + step, … ≤ max` (4k+1 models: min 5, step 4)."""

    min: int = Field(ge=1)
    max: int = Field(ge=1)
    step: int = Field(ge=1)
    default: int


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
    negative_prompt: bool = Field(default=True, description="Whether a negative prompt has an effect.")

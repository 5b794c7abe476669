"""The job that makes weights and no frames: a LoRA learned from a user's clips."""

from typing import Literal

from pydantic import Field

from vidgen.spec.base import SpecModel
from vidgen.spec.long import PROMPT_LIMIT
from vidgen.spec.media_ref import MediaRef
from vidgen.spec.output import Output
from vidgen.spec.unsampled import Unsampled

CLIP_LIMIT = 64
LONGEST_NAME = 64


class TrainingClip(SpecModel):
    """A clip and what it shows."""

    video: MediaRef = Field(description="The clip, from its beginning; it takes no frame.")
    prompt: str = Field(default="", max_length=PROMPT_LIMIT, description="Its caption; empty: that of the job.")


class TrainLora(Unsampled):
    """Low-rank layers trained on the clips; jobs may use them by their name as soon as this one has succeeded."""

    task: Literal["train-lora"] = "train-lora"
    model: str = Field(default="sprites-64", pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="What learns.")
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="How jobs name the LoRA.")
    clips: tuple[TrainingClip, ...] = Field(min_length=1, max_length=CLIP_LIMIT, description="What is learned from.")
    prompt: str = Field(default="", max_length=PROMPT_LIMIT, description="Caption of the clips that have none.")
    steps: int = Field(default=200, ge=1, le=100_000)
    rank: int = Field(default=8, ge=1, le=256, description="More can learn more.")
    rate: float = Field(default=1e-3, ge=1e-7, le=1.0, description="How fast it learns.")
    batch: int = Field(default=2, ge=1, le=64, description="Clips a step.")
    num_frames: int | None = Field(default=None, description="Of each clip; default: the model's.")
    seed: int | None = Field(default=None, ge=-1, lt=2**32, description="-1 or empty: drawn and recorded.")

    # nothing is delivered but the weights
    width = height = fps = property(lambda _self: None)
    post = property(lambda _self: ())
    output = property(lambda _self: Output())

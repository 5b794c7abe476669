"""What a request may say about a clip longer than the model's window: prompts over time, overlap, takes."""

from typing import Literal

from pydantic import Field

from vidgen.spec.base import SpecModel

PROMPT_LIMIT = 2000
SEGMENT_LIMIT = 100
# far beyond any model; what is longer cannot even be counted in frames
LONGEST_SECONDS = 86400
TAKE_LIMIT = 100


class Segment(SpecModel):
    """A stretch of the clip with a prompt of its own. Give `frames` or `seconds`."""

    prompt: str = Field(default="", max_length=PROMPT_LIMIT, description="Empty: the clip's own prompt.")
    frames: int | None = Field(default=None, description="4k+1 where a shot begins, 4k where it goes on.")
    seconds: float | None = Field(
        default=None, gt=0, le=LONGEST_SECONDS, description="In place of frames; rounded to a valid number."
    )
    cut: bool = Field(default=False, description="Begin a new shot here instead of going on from the one before.")
    transition_frames: int | None = Field(
        default=None, ge=0, description="Over how many of its frames the prompt before gives way; a multiple of 4."
    )
    transition_seconds: float | None = Field(
        default=None, ge=0, le=LONGEST_SECONDS, description="In place of transition_frames; rounded to a valid number."
    )


class Take(SpecModel):
    """Another try at one chunk of a clip whose other settings stay as they were."""

    chunk: int = Field(ge=0, description="Which chunk, from 0.")
    seed: int = Field(ge=0, lt=2**63)
    prompt: str | None = Field(default=None, max_length=PROMPT_LIMIT, description="Empty: the prompt it had.")
    then: Literal["keep", "remake"] = Field(
        default="keep", description="Whether the chunks after it stay as they were, or branch off from this one."
    )


LongMode = Literal["chain", "co_denoise", "native"]
"""chain: each window goes on from the one before; co_denoise: all windows take each step together; native: each window
goes on in the way that the model's family was made for."""


class LongFields(SpecModel):
    """How a long clip is made; empty fields are the model's defaults. Lengths are in frames."""

    mode: LongMode | None = Field(
        default=None,
        description="chain: window after window, each going on from the one before. co_denoise: all windows together, "
        "step by step, averaged where they overlap. native: in the way of the model's own family.",
    )
    overlap: int | None = Field(default=None, description="Frames of a chunk that are carried into the next one.")
    window: int | None = Field(
        default=None, description="Frames of each chunk after a shot's first; given by the model."
    )
    opening: int | None = Field(default=None, description="Longest first chunk of a shot; given by the model.")
    anchor: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="How far each chunk's colours are pulled back to those of the shot's first.",
    )
    condition_noise: float | None = Field(
        default=None, ge=0, le=1, description="Noise on the carried latents that a chunk is conditioned on."
    )
    rerolls: int | None = Field(
        default=None,
        ge=0,
        le=8,
        description="How many other seeds a chunk may try when its joint can be seen; 0 repairs nothing.",
    )
    loop: bool = Field(default=False, description="The last frame is followed by the first; for short clips too.")
    last_chunk: int | None = Field(default=None, ge=0, description="End the clip after this chunk, as a stop does.")
    takes: tuple[Take, ...] = Field(default=(), max_length=TAKE_LIMIT)

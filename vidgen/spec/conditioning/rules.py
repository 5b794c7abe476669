"""Which conditioning items a model takes, and with which numbers. A manifest carries it as `[rules.conditioning]`."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from vidgen.spec.base import SpecModel
from vidgen.spec.conditioning.camera import CameraAxis, CameraPreset
from vidgen.spec.conditioning.control import CONTROL_LIMIT, ControlKind
from vidgen.spec.conditioning.path import PATH_LIMIT
from vidgen.spec.conditioning.reference import REFERENCE_LIMIT, ReferenceKind


class ConditioningRules(SpecModel):
    """Empty: the model takes none of it."""

    controls: tuple[ControlKind, ...] = Field(default=(), description="Kinds that the model was trained to follow.")
    estimated: tuple[ControlKind, ...] = Field(
        default=(), description="Filled in: kinds among them that installed networks draw from what a clip shows."
    )
    controls_at_once: int = Field(default=2, ge=1, le=CONTROL_LIMIT)
    control_networks: int = Field(
        default=1,
        ge=1,
        le=CONTROL_LIMIT,
        description="Networks that follow them; of several, each the kind at its place.",
    )
    controls_needed: Literal["none", "one", "each"] = Field(
        default="none", description="What must be given: nothing, one control, or one of each kind."
    )
    control_shares: bool = Field(
        default=True, description="Whether a control may have a weight and a share of the steps."
    )
    control_weight: float = Field(default=1.0, ge=0, le=2, description="Of a control that says none.")
    mask: bool = Field(default=False, description="Whether a part of a clip can be made anew, or its surroundings.")
    references: int = Field(default=0, ge=0, le=REFERENCE_LIMIT, description="How many pictures at once.")
    reference_kinds: tuple[ReferenceKind, ...] = ("subject",)
    camera: Literal["flow", "loras"] | None = Field(
        default=None, description="By which means the camera is led: a flow control, or LoRAs."
    )
    camera_axes: tuple[CameraAxis, ...] = Field(default=(), description="Along which it can move.")
    camera_loras: Mapping[str, str] = Field(
        default_factory=dict, description="Of `loras`: the LoRA by preset (`pan-left`, `zoom-in`, …)."
    )
    camera_words: Mapping[CameraPreset, str] = Field(
        default_factory=dict, description="What is said of a move in the prompt as well, in the words of the training."
    )
    camera_speeds: Mapping[CameraPreset, float] = Field(
        default_factory=dict,
        description="Measured: the one speed by move at which a camera that is said in words goes. A slower one, or "
        "one that changes over time, is then said by share and by time, and not drawn.",
    )
    camera_least_share: float = Field(
        default=0.0, ge=0, lt=1, description="Measured: the share of a move's words from which on they are followed."
    )
    camera_axes_at_once: int = Field(default=6, ge=1, le=6, description="Along how many axes it moves at one time.")
    trajectories: Literal["layout", "flow"] | None = Field(
        default=None, description="What paths are drawn as: a box that moves, or the motion of a region."
    )
    trajectories_at_once: int = Field(default=PATH_LIMIT, ge=1, le=PATH_LIMIT, description="How many paths at once.")
    brush: bool = Field(default=False, description="Whether painted regions can move; drawn as flow.")
    motion_strength: Literal["flow", "bucket"] | None = Field(
        default=None, description="What it changes: the speed of a drawn flow, or SVD's motion bucket."
    )
    ends: bool = Field(default=False, description="Whether a clip can begin and end with frames of others.")
    flow_full: float | None = Field(
        default=None, gt=0, le=1, description="Share of the width a frame at the full colour of a flow; None: relative."
    )

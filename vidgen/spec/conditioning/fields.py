"""The conditioning items of a spec, side by side. What each may be together with is in `resolve`."""

from pydantic import Field

from vidgen.spec.base import SpecModel
from vidgen.spec.conditioning.camera import Camera
from vidgen.spec.conditioning.control import CONTROL_LIMIT, Control
from vidgen.spec.conditioning.mask import Mask, Outpaint
from vidgen.spec.conditioning.path import PATH_LIMIT, Brush, Trajectory
from vidgen.spec.conditioning.reference import REFERENCE_LIMIT, ClipEnd, Reference
from vidgen.spec.media_ref import MediaRef

MOST_MOTION = 2.0


class ConditioningFields(SpecModel):
    """Items that a model's `rules.conditioning` offers; they combine."""

    mask: Mask | None = Field(default=None, description="Of video-to-video: the part of the source that is made anew.")
    outpaint: Outpaint | None = Field(default=None, description="Of video-to-video: room around the source.")
    controls: tuple[Control, ...] = Field(
        default=(), max_length=CONTROL_LIMIT, description="Videos whose structure or motion the clip follows."
    )
    references: tuple[Reference, ...] = Field(
        default=(), max_length=REFERENCE_LIMIT, description="Pictures whose subject or style the clip takes over."
    )
    camera: Camera | None = Field(default=None, description="How the camera moves.")
    trajectories: tuple[Trajectory, ...] = Field(
        default=(), max_length=PATH_LIMIT, description="Where subjects go: a box that follows a path."
    )
    brushes: tuple[Brush, ...] = Field(
        default=(), max_length=PATH_LIMIT, description="Painted regions that move, each along a path."
    )
    motion_strength: float | None = Field(
        default=None, ge=0, le=MOST_MOTION, description="1: as the model, camera, paths or source clip have it."
    )
    prefix: ClipEnd | None = Field(default=None, description="Another clip's last frames: this one begins with them.")
    suffix: ClipEnd | None = Field(default=None, description="Another clip's first frames: this one ends with them.")

    @property
    def conditioned(self) -> bool:
        """Whether any item is asked for."""
        return any(getattr(self, name) not in (None, ()) for name in ConditioningFields.model_fields)


def conditioning_media(spec: ConditioningFields) -> dict[str, MediaRef]:
    """Every media reference that the items hold, by the name of its field."""
    found: dict[str, MediaRef | None] = {"mask.media": spec.mask.media if spec.mask else None}
    found |= {f"controls.{n}.video": control.video for n, control in enumerate(spec.controls)}
    found |= {f"references.{n}.image": reference.image for n, reference in enumerate(spec.references)}
    found |= {f"brushes.{n}.media": brush.media for n, brush in enumerate(spec.brushes)}
    found |= {"prefix.video": spec.prefix.video if spec.prefix else None}
    found |= {"suffix.video": spec.suffix.video if spec.suffix else None}
    return {name: ref for name, ref in found.items() if ref is not None}

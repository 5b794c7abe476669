"""Which part of a source clip is made anew: a painted mask, a box, or what lies around the source."""

from pydantic import Field

from vidgen.spec.base import SpecModel
from vidgen.spec.media_ref import MediaRef

WIDEST = 2.0


class Box(SpecModel):
    """A rectangle in shares of the frame's sides, from its upper left corner."""

    left: float = Field(ge=0, le=1)
    top: float = Field(ge=0, le=1)
    right: float = Field(ge=0, le=1)
    bottom: float = Field(ge=0, le=1)


class Mask(SpecModel):
    """White is made anew, black stays. Give `media` or `box`."""

    media: MediaRef | None = Field(
        default=None, description="A picture, one frame of a clip, or a clip: then a mask for every frame."
    )
    box: Box | None = None
    invert: bool = Field(default=False, description="Black is made anew, white stays.")
    grow: float = Field(
        default=0.0, ge=-0.25, le=0.25, description="Share of the width by which the region grows on every side."
    )
    feather: float = Field(
        default=0.02, ge=0, le=0.25, description="Share of the width over which old and new are blended, inside of it."
    )


class Outpaint(SpecModel):
    """Room around the source, in shares of its own sides: the source lies within the frame, the rest is made."""

    left: float = Field(default=0.0, ge=0, le=WIDEST)
    top: float = Field(default=0.0, ge=0, le=WIDEST)
    right: float = Field(default=0.0, ge=0, le=WIDEST)
    bottom: float = Field(default=0.0, ge=0, le=WIDEST)
    feather: float = Field(default=0.02, ge=0, le=0.25, description="Share of the width over which both are blended.")

    def inner(self) -> Box:
        """Where the source lies in the frame."""
        across, down = 1 + self.left + self.right, 1 + self.top + self.bottom
        return Box(
            left=self.left / across,
            top=self.top / down,
            right=(1 + self.left) / across,
            bottom=(1 + self.top) / down,
        )

"""A picture whose subject or style the clip takes over, without showing the picture itself."""

from typing import Literal

from pydantic import Field

from vidgen.spec.base import SpecModel
from vidgen.spec.media_ref import MediaRef

ReferenceKind = Literal["subject", "style"]
REFERENCE_LIMIT = 4


class Reference(SpecModel):
    image: MediaRef = Field(description="A picture, or one frame of a clip.")
    kind: ReferenceKind = "subject"


class ClipEnd(SpecModel):
    """Frames of another clip that this one begins or ends with."""

    video: MediaRef = Field(description="The clip, whole: it takes no frame.")
    frames: int | None = Field(default=None, ge=1, description="4k+1 in front, 4k at the end; empty: 5 and 4.")

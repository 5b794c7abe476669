"""A picture that the clip shows at a given moment."""

from pydantic import Field

from vidgen.spec.base import SpecModel
from vidgen.spec.long import LONGEST_SECONDS
from vidgen.spec.media_ref import MediaRef

KEYFRAME_LIMIT = 50


class Keyframe(SpecModel):
    """Give `frame` or `seconds`. Frames count from 0, negative ones from the end of the clip."""

    image: MediaRef = Field(description="A picture, or one frame of a clip.")
    frame: int | None = Field(default=None, description="-1 is the last frame.")
    seconds: float | None = Field(
        default=None, ge=0, le=LONGEST_SECONDS, description="In place of frame; rounded to a frame."
    )

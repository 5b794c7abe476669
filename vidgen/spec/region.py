"""A part of the frame with a prompt of its own."""

from pydantic import Field

from vidgen.errors import SpecError
from vidgen.spec.base import SpecModel
from vidgen.spec.conditioning.mask import Box
from vidgen.spec.long import PROMPT_LIMIT
from vidgen.spec.media_ref import MediaRef

REGION_LIMIT = 8


class Region(SpecModel):
    """Give `box` or `media`. Where regions overlap, the later one counts."""

    prompt: str = Field(min_length=1, max_length=PROMPT_LIMIT, description="What this part shows.")
    box: Box | None = None
    media: MediaRef | None = Field(
        default=None, description="A picture whose white is the region, or a clip: then where it is, frame by frame."
    )
    weight: float = Field(default=1.0, ge=0, le=1, description="How far it takes the place of the clip's own prompt.")
    feather: float = Field(default=0.05, ge=0, le=0.5, description="Share of the width over which both are blended.")


def check_regions(regions: tuple[Region, ...]) -> None:
    """Raises SpecError naming the field of the first one that has no place, or two."""
    for number, region in enumerate(regions):
        field = f"regions.{number}"
        if (region.box is None) == (region.media is None):
            raise SpecError(f"{field}: give box or media", field=field)
        if region.box is not None and (region.box.right <= region.box.left or region.box.bottom <= region.box.top):
            raise SpecError(
                f"{field}.box: right must be beyond left, and bottom beyond top; the frame is from 0 to 1",
                field=f"{field}.box",
            )

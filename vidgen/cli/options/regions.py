"""Option of `vidgen render` about parts of the frame with a prompt of their own."""

import hashlib
import re
from pathlib import Path
from typing import Any

import click

from vidgen.errors import SpecError
from vidgen.spec import Box, MediaRef
from vidgen.spec.region import Region

NUMBER = r"\d*\.?\d+"
BOXED = re.compile(rf"(?P<box>{NUMBER},{NUMBER},{NUMBER},{NUMBER})\s+(?P<prompt>\S.*)")
SIDES = ("left", "top", "right", "bottom")

region_option = click.option(
    "--region",
    "regions",
    multiple=True,
    help="'LEFT,TOP,RIGHT,BOTTOM PROMPT' in shares of the frame, or 'MASK.png PROMPT': a prompt for a part of it; "
    "a mask may be a clip.",
)


def take_regions(fields: dict[str, Any]) -> dict[str, Path]:
    """Put the regions into the spec's fields; returns where their masks lie. Raises SpecError for other texts."""
    made = [_region(text) for text in fields["regions"]]
    fields["regions"] = tuple(region for region, _ in made)
    return {region.media.key: mask for region, mask in made if region.media is not None and mask is not None}


def _region(text: str) -> tuple[Region, Path | None]:
    if found := BOXED.fullmatch(text.strip()):
        sides = dict(zip(SIDES, map(float, found["box"].split(",")), strict=True))
        return Region(prompt=found["prompt"], box=Box(**sides)), None
    file, _, prompt = text.strip().partition(" ")
    if not Path(file).is_file() or not prompt.strip():
        raise SpecError(
            f"region={text}: write `LEFT,TOP,RIGHT,BOTTOM PROMPT`, as in `0,0,0.5,1 a cat`, or `MASK.png PROMPT`",
            field="regions",
        )
    # chunks that are kept know their regions by this name
    name = hashlib.sha256(Path(file).read_bytes()).hexdigest()[:22]
    return Region(prompt=prompt.strip(), media=MediaRef(upload_id=f"upl_{name}")), Path(file)

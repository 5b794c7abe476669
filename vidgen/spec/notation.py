"""Segments, takes and advanced options as one line of text, as the command line takes them."""

import re
from collections.abc import Sequence

from vidgen.errors import SpecError
from vidgen.spec.advanced import AdvancedFields
from vidgen.spec.long import Segment, Take

SEGMENT = re.compile(
    r"(?:(?P<cut>cut)\s+|fade\s+(?P<fade>\d+(?:\.\d+)?)(?P<fade_unit>s)?\s+)?(?P<length>\d+(?:\.\d+)?)(?P<unit>s)?(?:\s+(?P<prompt>\S.*))?"
)
TAKE = re.compile(r"(?P<chunk>\d+)\s+(?P<seed>\d+)(?:\s+(?P<prompt>\S.*))?")


def segment_of(text: str) -> Segment:
    """`24 a cat moves left`, `3s a cat`, `cut 3s a dog` or `fade 1s 3s a dog`. Raises SpecError on anything else."""
    found = SEGMENT.fullmatch(text.strip())
    if found is None or not (_is_whole(found, "length", "unit") and _is_whole(found, "fade", "fade_unit")):
        raise SpecError(
            f"segment={text}: write `24 PROMPT` (frames) or `3s PROMPT`, after `cut` or `fade 1s` if need be",
            field="segments",
        )
    length = _amount(found, "length", "unit", "frames", "seconds")
    fade = _amount(found, "fade", "fade_unit", "transition_frames", "transition_seconds")
    return Segment.model_validate({"prompt": found["prompt"] or "", "cut": found["cut"] is not None, **length, **fade})


def _is_whole(found: re.Match[str], amount: str, unit: str) -> bool:
    """Frames are whole numbers, seconds need not be."""
    return found[amount] is None or found[unit] is not None or "." not in found[amount]


def _amount(found: re.Match[str], amount: str, unit: str, frames: str, seconds: str) -> dict[str, float]:
    if found[amount] is None:
        return {}
    return {seconds: float(found[amount])} if found[unit] else {frames: int(found[amount])}


def take_of(text: str, *, branch: bool) -> Take:
    """`3 1234` or `3 1234 a new prompt`: chunk, seed, prompt. Raises SpecError on anything else."""
    found = TAKE.fullmatch(text.strip())
    if found is None:
        raise SpecError(f"take={text}: write `CHUNK SEED` or `CHUNK SEED PROMPT`", field="long.takes")
    return Take(
        chunk=int(found["chunk"]), seed=int(found["seed"]), prompt=found["prompt"], then="remake" if branch else "keep"
    )


def advanced_of(texts: Sequence[str], loras: Sequence[str] = ()) -> AdvancedFields | None:
    """`sampler=unipc`, `shift=5`, `embeddings=toy,hat`, …, and LoRAs as `ID` or `ID:WEIGHT`; None when there are none.

    Raises SpecError, and ValidationError for bad values.
    """
    if not texts and not loras:
        return None
    pairs = [text.partition("=") for text in texts]
    for name, sign, _ in pairs:
        if not sign:
            raise SpecError(f"advanced={name}: write NAME=VALUE, as in sampler=unipc", field="advanced")
    fields: dict[str, object] = {name.strip(): value.strip() for name, _, value in pairs}
    if "embeddings" in fields:
        fields["embeddings"] = [word.strip() for word in str(fields["embeddings"]).split(",")]
    if loras:
        uses = [text.partition(":") for text in loras]
        fields["loras"] = [{"id": lora_id, "weight": weight or 1.0} for lora_id, _, weight in uses]
    return AdvancedFields.model_validate(fields)

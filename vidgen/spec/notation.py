"""Segments, takes and advanced options as one line of text, as the command line takes them."""

import re
from collections.abc import Sequence

from vidgen.errors import SpecError
from vidgen.spec.advanced import AdvancedFields
from vidgen.spec.long import Segment, Take

SEGMENT = re.compile(r"(?P<cut>cut\s+)?(?P<length>\d+(?:\.\d+)?)(?P<unit>s)?(?:\s+(?P<prompt>\S.*))?")
TAKE = re.compile(r"(?P<chunk>\d+)\s+(?P<seed>\d+)(?:\s+(?P<prompt>\S.*))?")


def segment_of(text: str) -> Segment:
    """`24 a cat moves left`, `3s a cat moves left` or `cut 3s a dog`. Raises SpecError on anything else."""
    found = SEGMENT.fullmatch(text.strip())
    if found is None or (found["unit"] is None and "." in found["length"]):
        raise SpecError(
            f"segment={text}: write `24 PROMPT` (frames) or `3s PROMPT`, after `cut` if cut", field="segments"
        )
    length = {"seconds": float(found["length"])} if found["unit"] else {"frames": int(found["length"])}
    return Segment(prompt=found["prompt"] or "", cut=found["cut"] is not None, **length)


def take_of(text: str, *, branch: bool) -> Take:
    """`3 1234` or `3 1234 a new prompt`: chunk, seed, prompt. Raises SpecError on anything else."""
    found = TAKE.fullmatch(text.strip())
    if found is None:
        raise SpecError(f"take={text}: write `CHUNK SEED` or `CHUNK SEED PROMPT`", field="long.takes")
    return Take(
        chunk=int(found["chunk"]), seed=int(found["seed"]), prompt=found["prompt"], then="remake" if branch else "keep"
    )


def advanced_of(texts: Sequence[str], loras: Sequence[str] = ()) -> AdvancedFields | None:
    """`sampler=unipc`, `shift=5`, …, and LoRAs as `ID` or `ID:WEIGHT`; None when there are none.

    Raises SpecError, and ValidationError for bad values.
    """
    if not texts and not loras:
        return None
    pairs = [text.partition("=") for text in texts]
    for name, sign, _ in pairs:
        if not sign:
            raise SpecError(f"advanced={name}: write NAME=VALUE, as in sampler=unipc", field="advanced")
    fields: dict[str, object] = {name.strip(): value.strip() for name, _, value in pairs}
    if loras:
        uses = [text.partition(":") for text in loras]
        fields["loras"] = [{"id": lora_id, "weight": weight or 1.0} for lora_id, _, weight in uses]
    return AdvancedFields.model_validate(fields)

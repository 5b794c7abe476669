"""The composer's rows of pictures that the clip shows at given moments."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vidgen.spec import Keyframe
from vidgen_web.portal.composer.slots import EMPTY, Slot, from_reference, named
from vidgen_web.services import Services

OFFERED = 2
LIMIT = 50
FIELD = re.compile(r"keyframes\.(\d{1,2})\.(?:upload_id|artifact_id|seconds)")


@dataclass(frozen=True, slots=True)
class Key:
    """One row: a picture and its second. Without one the first is the clip's beginning, the last its end."""

    slot: Slot = EMPTY
    seconds: str = ""


def slot_name(number: int) -> str:
    """What forms call the row's slot."""
    return f"keyframes.{number}"


def from_form(services: Services, form: Mapping[str, str]) -> tuple[Key, ...]:
    """The rows as they were sent, the empty ones included."""
    numbers = sorted({int(found[1]) for name in form if (found := FIELD.fullmatch(name))})[:LIMIT]
    return tuple(
        Key(named(services, slot_name(n), form), form.get(f"{slot_name(n)}.seconds", "").strip()) for n in numbers
    )


def from_spec(services: Services, keyframes: Sequence[Keyframe], num_frames: int, fps: float) -> tuple[Key, ...]:
    """The rows of a resolved spec, whose moments are frames."""
    rows = []
    for key in keyframes:
        frame = key.frame or 0
        at = frame if frame >= 0 else num_frames + frame
        rows.append(Key(from_reference(services, key.image), f"{at / fps:.3f}".rstrip("0").rstrip(".")))
    return tuple(rows)


def spec_fields(rows: Sequence[Key]) -> list[dict[str, Any]]:
    """The filled rows as the spec takes them. A row in between without a moment is left to the spec to refuse."""
    filled = [row for row in rows if row.slot.is_filled]
    told = []
    for n, row in enumerate(filled):
        place: dict[str, Any] = {"seconds": row.seconds} if row.seconds else {}
        if not row.seconds and n in (0, len(filled) - 1):
            place = {"frame": 0 if n == 0 else -1}
        told.append({"image": row.slot.reference(), **place})
    return told

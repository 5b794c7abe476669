"""The composer's parts of a story: a prompt and a length each, cut or blended into the one before."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vidgen.spec import Segment

OFFERED = 3
LIMIT = 100
FIELD = re.compile(r"segments\.(\d{1,3})\.(prompt|seconds|cut|transition_seconds)")


@dataclass(frozen=True, slots=True)
class Part:
    """One row; rows without a prompt and a length are left out."""

    prompt: str = ""
    seconds: str = ""
    cut: bool = False
    transition: str = ""

    @property
    def is_filled(self) -> bool:
        return bool(self.prompt.strip() or self.seconds)


def from_form(form: Mapping[str, str]) -> tuple[Part, ...]:
    """The rows as they were sent, the empty ones included."""
    rows: dict[int, dict[str, str]] = {}
    for name, value in form.items():
        if found := FIELD.fullmatch(name):
            rows.setdefault(int(found[1]), {})[found[2]] = value
    told = (rows[n] for n in sorted(rows)[:LIMIT])
    return tuple(
        Part(
            row.get("prompt", ""),
            row.get("seconds", "").strip(),
            "cut" in row,
            row.get("transition_seconds", "").strip(),
        )
        for row in told
    )


def from_spec(segments: Sequence[Segment], fps: float) -> tuple[Part, ...]:
    """The rows of a resolved spec, whose lengths are frames."""
    return tuple(_part(segment, fps) for segment in segments)


def spec_fields(rows: Sequence[Part]) -> list[dict[str, Any]]:
    """The filled rows as the spec takes them."""
    return [_segment(part) for part in rows if part.is_filled]


def _part(segment: Segment, fps: float) -> Part:
    transition = f"{segment.transition_frames / fps:g}" if segment.transition_frames else ""
    return Part(segment.prompt, f"{(segment.frames or 0) / fps:g}", segment.cut, transition)


def _segment(part: Part) -> dict[str, Any]:
    told = {"prompt": part.prompt.strip(), "seconds": part.seconds or None, "cut": part.cut}
    return {**told, "transition_seconds": part.transition} if part.transition and not part.cut else told

"""What is wrong with a draft, told where it stands: beside the very control, else with its group, else above all.

The spec counts filled rows alone, the form every row that is shown; `form_name` goes from one to the other.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from vidgen_web.portal import messages, words
from vidgen_web.portal.composer import advanced, conditioning, finishing
from vidgen_web.portal.composer.drafts import TABS, Draft
from vidgen_web.problems import ProblemError

# what forms have one control for, whichever way it is asked
ONE_CONTROL = {"seconds": "num_frames", "from_frame": "number", "from_seconds": "number"}
# a slot is told of as a whole
SLOT_PARTS = re.compile(r"\.(?:upload_id|artifact_id|url|frame)$")
PART_FIELDS = {"frames": "seconds", "transition_frames": "transition_seconds"}


class Complaints:
    """Messages by their control's name. Each is told once, by whichever place asks for it first."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self._untold = dict(errors)

    def has(self, *names: str) -> bool:
        """Whether something is still to be told of these controls, or of what belongs to them."""
        return any(_belongs(known, name) for known in self._untold for name in names)

    def tell(self, name: str = "", *, but: str = "") -> str:
        """What is wrong with `name` and what belongs to it; "" for nothing.

        Without a name: whatever no place has told, `but` for one that will be.
        """
        told = [known for known in self._untold if _belongs(known, name) and known != (but or None)]
        return "; ".join(self._untold.pop(known) for known in told)


def complaints_of(draft: Draft, problem: ProblemError) -> dict[str, str]:
    """What is wrong by the name of its control in the form; by "" what belongs to none."""
    told: dict[str, str] = {}
    for error in problem.errors:
        name = form_name(draft, error.field)
        told.setdefault(name, words.complaint(error, name))
    return told or {"": messages.said(problem.message)}


def refused(draft: Draft, problem: ProblemError) -> Draft:
    """The draft with what is wrong beside each field."""
    tab = draft.tab if draft.tab in TABS else TABS[0]
    return replace(draft, tab=tab, errors=complaints_of(draft, problem))


def form_name(draft: Draft, field: str) -> str:
    """What the form calls a field of the spec that was made of this draft."""
    field = SLOT_PARTS.sub("", field)
    head, *rest = field.split(".")
    if head in conditioning.HEADS:
        return conditioning.form_name(draft.values, draft.slots, field)
    if head == "post" and rest:
        return ".".join([head, _at([name for name, _ in finishing.ticked(draft.values)], rest[0]), *rest[1:]])
    if head == "segments" and rest:
        rows = [str(n) for n, part in enumerate(draft.parts) if part.is_filled]
        # what is wrong with a part as a whole is its length
        return ".".join([head, _at(rows, rest[0]), *(PART_FIELDS.get(name, name) for name in rest[1:] or ["seconds"])])
    if head == "keyframes" and rest:
        rows = [str(n) for n, key in enumerate(draft.keys) if key.slot.is_filled]
        return ".".join([head, _at(rows, rest[0]), *("seconds" for name in rest[1:2] if name == "seconds")])
    if field.startswith("advanced.loras."):
        return ".".join([advanced.LORA, _at(advanced.lora_names(draft.values), rest[1]), *rest[2:]])
    return ONE_CONTROL.get(head, field)


def _at(names: list[str], number: str) -> str:
    """The name at this place among those that were asked for."""
    return names[int(number)] if number.isdecimal() and int(number) < len(names) else number


def _belongs(known: str, name: str) -> bool:
    return not name or known == name or known.startswith(f"{name}.")

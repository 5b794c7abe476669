"""What a folder of a family can do, in the words of a manifest."""

from dataclasses import dataclass
from typing import Any

from vidgen.families.folder import ModelFolder
from vidgen.spec import ModelRules, SideRule
from vidgen.spec.conditioning.control import ControlKind
from vidgen.spec.long import LongMode
from vidgen_models.samplers import choices, prediction_of, shift_of


@dataclass(frozen=True, slots=True)
class Further:
    """What an adapter does beyond what its family's published weights were trained for; a folder may say it has it."""

    controls: tuple[ControlKind, ...] = ()
    keyframes: bool = False
    long_modes: tuple[LongMode, ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """The rules of a model, and how many tokens its text encoder takes (0: none)."""

    rules: ModelRules
    text_length: int
    further: Further = Further()


def sides(multiple: int, *, width: int, height: int, largest: int = 1920) -> SideRule:
    """Sides of any multiple up to `largest`; the default is what the family was trained at."""
    low = -(-max(8, multiple) // multiple) * multiple
    return SideRule(min=low, max=largest, multiple=multiple, default_width=width, default_height=height)


def sampling(folder: ModelFolder, samplers: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The rules' `prediction`, `shift` and `samplers`: all that go with the folder's prediction, or `samplers`."""
    config = folder.config("scheduler")
    known = choices(config)
    offered = tuple(known) if samplers is None else tuple(name for name in samplers if name in known)
    return {"prediction": prediction_of(config), "shift": shift_of(config), "samplers": offered}

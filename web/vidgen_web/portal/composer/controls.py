"""Controls made from the spec's own fields, so that the portal offers what the API takes, within the same bounds.

A control holds a text, as forms do; `value_of` reads it. Knows fields and labels, not models and not requests.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from vidgen.spec.base import SpecModel
from vidgen.spec.post import COLOUR
from vidgen_web.portal.composer.labels import choice_label, label

Kind = Literal["number", "choice", "switch", "text", "colour"]


@dataclass(frozen=True, slots=True)
class Control:
    """One control. `low` and `high` bound numbers; `choices` are values with their names, of a choice alone."""

    name: str
    kind: Kind
    label: str
    hint: str = ""
    low: float | None = None
    high: float | None = None
    whole: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    default: str = ""
    limit: int | None = None
    required: bool = False

    @property
    def step(self) -> str:
        return "1" if self.whole else "any"


def controls_of(model: type[SpecModel], names: Iterable[str], path: str) -> tuple[Control, ...]:
    """A control for each of the named fields that a text can hold; forms call them `path.name`."""
    made = (_control(name, model.model_fields[name], path) for name in names if name in model.model_fields)
    return tuple(control for control in made if control is not None)


def among(control: Control, values: Iterable[str]) -> Control:
    """The control with these of its choices alone."""
    taken = {*values}
    return replace(control, choices=tuple(choice for choice in control.choices if choice[0] in taken))


def fields_of(controls: Iterable[Control], values: Mapping[str, str]) -> dict[str, Any]:
    """What the controls say, by the last part of their names; empty ones say nothing."""
    told = {control.name.rpartition(".")[2]: value_of(control, values.get(control.name, "")) for control in controls}
    return {name: value for name, value in told.items() if value is not None}


def texts_of(told: Mapping[str, Any], controls: Iterable[Control]) -> dict[str, str]:
    """The other way round: a model's fields as the texts of its controls."""
    known = {control.name.rpartition(".")[2]: control.name for control in controls}
    return {known[name]: text_of(value) for name, value in told.items() if name in known and value is not None}


def value_of(control: Control, text: str) -> Any:
    """The text as the spec takes it; None for an empty one. What is no number stays a text, for the spec to refuse."""
    if control.kind == "switch":
        return True if text else None
    if not text:
        return None
    # the spec's numbers among few are no texts, while those between bounds are read from either
    return int(text) if control.kind == "choice" and text.isdecimal() and len(text) < 10 else text


def text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _control(name: str, info: FieldInfo, path: str) -> Control | None:
    types = [kind for kind in _members(info.annotation) if kind is not type(None)]
    full = f"{path}.{name}" if path else name
    about: dict[str, Any] = {"name": full, "label": label(full), "default": _default(info)}
    choices = [value for kind in types if get_origin(kind) is Literal for value in get_args(kind)]
    if choices:
        named = tuple((str(value), choice_label(full, str(value))) for value in choices)
        return Control(kind="choice", choices=named, required=info.default is not None, **about)
    if bool in types:
        return Control(kind="switch", **about)
    if int in types or float in types:
        low, high = _bound(info, "ge", "gt"), _bound(info, "le", "lt")
        return Control(kind="number", low=low, high=high, whole=float not in types, **about)
    if str in types:
        colour = any(getattr(rule, "pattern", None) == COLOUR for rule in info.metadata)
        limit = next((rule.max_length for rule in info.metadata if hasattr(rule, "max_length")), None)
        return Control(kind="colour" if colour else "text", limit=limit, **about)
    return None


def _members(annotation: Any) -> tuple[Any, ...]:
    """`X | None` as (X, None), anything else alone."""
    is_union = get_origin(annotation) is not Literal and get_args(annotation) and not isinstance(annotation, type)
    return get_args(annotation) if is_union else (annotation,)


def _default(info: FieldInfo) -> str:
    return "" if info.is_required() or info.default in (None, ()) else text_of(info.default)


def _bound(info: FieldInfo, *names: str) -> float | None:
    found = (getattr(rule, name) for rule in info.metadata for name in names if hasattr(rule, name))
    return next(found, None)

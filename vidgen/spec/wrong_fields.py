"""What is wrong with a request, field by field: in words for people, with the nearest valid value where there is one.

Reads what pydantic says of a request that breaks the declared types and bounds. Does not know HTTP or the command line.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from vidgen.spec.job import ExtendVideo, ImageToVideo, JobSpec, TextToVideo, VideoToVideo
from vidgen.spec.post import PostStep
from vidgen.spec.process import ProcessVideo

ALIKE = 0.6
CLIP_TASKS: Mapping[str, type[BaseModel]] = {
    "text-to-video": TextToVideo,
    "image-to-video": ImageToVideo,
    "video-to-video": VideoToVideo,
    "extend-video": ExtendVideo,
    "process-video": ProcessVideo,
}
MAKES: Mapping[str, str] = {"image-to-video": "image", "video-to-video": "video", "extend-video": "direction"}
"""From which field a task follows when none is given."""
WANTED: Mapping[str, str] = {
    "image-to-video": "a picture as image",
    "video-to-video": "the clip as video",
    "extend-video": "direction and the clip as video",
}
SAYINGS: Mapping[str, str] = {
    "missing": "must be given",
    "union_tag_not_found": "must be given",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "may be at most {le}",
    "too_short": "give at least {min_length}, not {actual_length}",
    "too_long": "give at most {max_length}, not {actual_length}",
    "string_too_short": "must have {min_length} characters at least",
    "string_too_long": "may have at most {max_length} characters",
    "string_pattern_mismatch": "must have the form {pattern}",
    "string_type": "give a text",
    "tuple_type": "give a list",
    "list_type": "give a list",
    "model_type": "give an object",
    "model_attributes_type": "give an object",
    "dict_type": "give an object",
    **dict.fromkeys(("bool_type", "bool_parsing"), "give true or false"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), "give a whole number"),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), "give a number"),
}
"""By pydantic's names of its errors (https://docs.pydantic.dev/latest/errors/validation_errors/)."""
Nearest = tuple[int | float | str, ...]


@dataclass(frozen=True, slots=True)
class WrongField:
    """A field as people write it, its rule, and what would be valid nearest to what was given.

    `step` is the post-processing step that it belongs to, where it does to one.
    """

    field: str
    message: str
    nearest: Nearest = ()
    step: str = ""


def wrong_fields(error: ValidationError, model: type[BaseModel] | None = None) -> tuple[WrongField, ...]:
    """Every field that breaks a rule. `model` is what was asked for; None: a job."""
    items = error.errors()
    return tuple(
        replace(_wrong(item, model or JobSpec), step=next((str(it) for it in item["loc"] if it in STEPS), ""))
        for item in items
        if not _follows(item, items)
    )


def _tags(union: Any, field: str) -> frozenset[str]:
    """What tells the members of a discriminated union apart."""
    return frozenset(str(member.model_fields[field].default) for member in get_args(get_args(union)[0]))


STEPS = _tags(PostStep, "step")
UNION_TAGS = _tags(JobSpec, "task") | STEPS


def _follows(item: ErrorDetails, items: Sequence[ErrorDetails]) -> bool:
    """Whether a list is only too short because what is wrong in it was left out."""
    place = item["loc"]
    return item["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in items
    )


def _wrong(item: ErrorDetails, model: Any) -> WrongField:
    kind, context = item["type"], item.get("ctx", {})
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        item = {**item, "loc": (*item["loc"], str(context["discriminator"]).strip("'"))}
    field = _name(item["loc"])
    if kind == "extra_forbidden":
        return _unknown(field, item["loc"], model)
    if kind in ("literal_error", "union_tag_invalid"):
        choices = _choices(context.get("expected") or context["expected_tags"])
        return _choice(field, context.get("tag", item["input"]), choices)
    if kind in SAYINGS:
        values = {name: _plain(value) for name, value in context.items()}
        return WrongField(field, SAYINGS[kind].format(**values), tuple(_bound(kind, context, item["input"])))
    return WrongField(field, item["msg"].removeprefix("Value error, "))


def _name(place: Sequence[int | str]) -> str:
    # pydantic puts the tag of a discriminated union into the place; people never wrote it, so they do not see it
    name = ".".join(str(part) for part in place if part not in UNION_TAGS)
    return name.encode(errors="replace").decode()  # JSON may spell half a surrogate pair, which no answer can hold


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _bound(kind: str, context: Mapping[str, Any], given: Any) -> Iterator[int | float]:
    """The bound itself, where it is valid; of whole numbers that next to it."""
    if kind in ("greater_than_equal", "less_than_equal"):
        yield _plain(context["ge" if kind.startswith("greater") else "le"])
    elif kind in ("greater_than", "less_than") and isinstance(given, int):
        yield context["gt"] + 1 if kind == "greater_than" else context["lt"] - 1
    elif kind == "int_from_float":
        yield round(given)


def _choices(expected: str) -> tuple[str, ...]:
    return tuple(choice.strip("'") for choice in re.split(r", | or ", expected))


def _choice(field: str, given: Any, choices: tuple[str, ...]) -> WrongField:
    near: Nearest = tuple(get_close_matches(str(given).lower(), choices, 1, ALIKE))
    if all(choice.isdecimal() for choice in choices) and isinstance(given, int | float):
        near = (min(map(int, choices), key=lambda choice: abs(choice - given)),)
    rule = f"choose one of {', '.join(choices)}"
    return WrongField(field, f"{rule}; nearest is {near[0]}" if near else rule, near)


def _unknown(field: str, place: Sequence[int | str], model: Any) -> WrongField:
    """A field of another task, a slip, or something unheard of."""
    name, task = str(place[-1]), str(place[0])
    if len(place) == 2 and task in CLIP_TASKS:
        owners = [it for it, kind in CLIP_TASKS.items() if name in kind.model_fields]
        if owners:
            return WrongField(field, _elsewhere(name, task, owners))
    near = tuple(_nearest_name(name, _names_at(model, place[:-1])))
    told = "this field is not known"
    return WrongField(field, f"{told}; nearest is {near[0]}" if near else told, near)


def _elsewhere(name: str, task: str, owners: Sequence[str]) -> str:
    tasks = " and ".join([", ".join(owners[:-1]), owners[-1]] if len(owners) > 1 else owners)
    if task == "process-video":
        return "does not belong to process-video; leave it out"
    if name not in MAKES.values():
        return f"belongs to {tasks}; give {WANTED[owners[0]]}, or leave it out"
    if task in MAKES:
        return f"belongs to {tasks}, and {MAKES[task]} to {task}; give one of them"
    return f"belongs to {tasks}; leave out the task, or this"


def _nearest_name(name: str, names: Sequence[str]) -> Iterator[str]:
    """A name of like spelling, or one of which this is a word: "steps" is part of num_inference_steps."""
    close = get_close_matches(name.lower(), names, 1, ALIKE + 0.1)
    yield from close or [other for other in names if name.lower() in other.split("_")][:1]


def _names_at(model: Any, place: Sequence[int | str]) -> tuple[str, ...]:
    """The fields of what stands there in a request."""
    found = tuple(_models(model))
    for part in place:
        tagged = tuple(it for it in found if part in _tag_of(it))
        if tagged:
            found = tagged
        elif isinstance(part, str):
            fields = [it.model_fields[part].annotation for it in found if part in it.model_fields]
            found = tuple(kind for annotation in fields for kind in _models(annotation))
    return tuple(dict.fromkeys(name for it in found for name in it.model_fields))


def _tag_of(model: type[BaseModel]) -> tuple[object, ...]:
    return tuple(model.model_fields[name].default for name in ("task", "step") if name in model.model_fields)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Those that an annotation is made of: of `tuple[Control, ...]` it is Control."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for part in get_args(annotation):
        yield from _models(part)

"""The composer's camera, paths, brushes, masks, control videos and references, as rows of texts and slots.

Form fields are called as the spec calls them (`trajectories.0.points.1.x`), so that one reading serves every item.
Knows which items a model takes; the checks are the spec's own.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from vidgen.spec import (
    Camera,
    CameraKey,
    ClipEnd,
    ConditioningFields,
    ConditioningRules,
    Control,
    Mask,
    ModelRules,
    Outpaint,
    Reference,
    SamplingFields,
    Trajectory,
    named_media,
)
from vidgen.spec.conditioning.camera import KEY_LIMIT
from vidgen.spec.conditioning.mask import Box
from vidgen.spec.conditioning.path import PATH_LIMIT, POINT_LIMIT
from vidgen.spec.region import REGION_LIMIT, Region
from vidgen_web.portal.composer import controls
from vidgen_web.portal.composer.slots import Slot, from_reference, named
from vidgen_web.services import Services

REGIONS = "regions"
HEADS = frozenset(ConditioningFields.model_fields) | {REGIONS}
ROW_LIMITS = {
    "camera.keys": KEY_LIMIT,
    "trajectories": PATH_LIMIT,
    "brushes": PATH_LIMIT,
    "points": POINT_LIMIT,
    "controls": 4,
    "references": 4,
    REGIONS: REGION_LIMIT,
}
POINTS_OFFERED = 3
ALL_BUT_RESTYLE = ("text-to-video", "image-to-video", "keyframes", "storyboard", "extend-video")
# the composer's tabs that do not show an item: what stands there for another tab is not asked for
NOT_ON = {
    "mask": ALL_BUT_RESTYLE,
    "outpaint": ALL_BUT_RESTYLE,
    "prefix": ("video-to-video", "extend-video"),
    "suffix": ("video-to-video",),
}
NAME = re.compile(r"[a-z_]+(?:\.(?:\d{1,2}|[a-z_]{1,12})){0,5}")
SLOT = re.compile(
    r"mask\.media|controls\.\d\.video|references\.\d\.image|(?:brushes|regions)\.\d\.media|(?:prefix|suffix)\.video"
)
# parts of a slot are no values of their own
SLOT_PARTS = (".upload_id", ".artifact_id", ".frame")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a model takes, as controls; an empty tuple where it does not take the item."""

    rules: ConditioningRules
    presets: tuple[tuple[str, str], ...]
    axes: tuple[controls.Control, ...]
    mask: tuple[controls.Control, ...]
    box: tuple[controls.Control, ...]
    outpaint: tuple[controls.Control, ...]
    strength: tuple[controls.Control, ...]
    regions: bool

    @property
    def anything(self) -> bool:
        rules = self.rules
        items = (rules.controls, rules.mask, rules.references, rules.trajectories, rules.brush, rules.ends)
        return bool(self.axes or self.strength or self.regions or any(items))


def offer(model: ModelRules) -> Offer:
    """The items that the model takes."""
    rules = model.conditioning
    axes = rules.camera_axes if rules.camera else ()
    camera = controls.controls_of(Camera, ("preset",), "camera") if axes else ()
    fits = [choice for it in camera for choice in it.choices if choice[0].partition("-")[0] in (*axes, "static")]
    masks = rules.mask
    return Offer(
        rules=rules,
        presets=tuple(fits),
        axes=controls.controls_of(Camera, axes, "camera"),
        mask=controls.controls_of(Mask, ("invert", "grow", "feather"), "mask") if masks else (),
        box=controls.controls_of(Box, Box.model_fields, "mask.box") if masks else (),
        outpaint=controls.controls_of(Outpaint, Outpaint.model_fields, "outpaint") if masks else (),
        strength=controls.controls_of(ConditioningFields, ("motion_strength",), "") if rules.motion_strength else (),
        regions=model.regions,
    )


def is_taken(name: str, rules: ConditioningRules) -> bool:
    """Whether a model takes the item that a form's field belongs to."""
    head, *rest = name.split(".")
    axis = rest[-1] if rest else ""
    taken = {
        "camera": bool(rules.camera) and (axis in ("preset", "at", "row") or axis in rules.camera_axes),
        "trajectories": bool(rules.trajectories),
        "brushes": rules.brush,
        "mask": rules.mask,
        "outpaint": rules.mask,
        "controls": bool(rules.controls),
        "references": bool(rules.references),
        "motion_strength": bool(rules.motion_strength),
        "prefix": rules.ends,
        "suffix": rules.ends,
    }
    return taken.get(head, False)


def row_controls(head: str, number: int, rules: ConditioningRules) -> tuple[controls.Control, ...]:
    """The controls of one row of `controls`, `references`, `regions`, `trajectories`, `prefix` or `suffix`."""
    path = f"{head}.{number}" if number >= 0 else head
    if head == "controls":
        names = ("kind", "weight", "start", "end", "smoothing", "drawn")
        found = controls.controls_of(Control, names, path)
        return (controls.among(found[0], rules.controls), *found[1:])
    if head == "references":
        return (controls.among(controls.controls_of(Reference, ("kind",), path)[0], rules.reference_kinds),)
    if head == REGIONS:
        place = controls.controls_of(Box, Box.model_fields, f"{path}.box")
        return (*place, *controls.controls_of(Region, ("weight", "feather"), path))
    if head == "trajectories":
        return controls.controls_of(Trajectory, ("width", "height"), path)
    return controls.controls_of(ClipEnd, ("frames",), path)


def key_controls(number: int, axes: tuple[str, ...]) -> tuple[controls.Control, ...]:
    """One moment of the camera."""
    return controls.controls_of(CameraKey, ("at", *axes), f"camera.keys.{number}")


def rows(values: Mapping[str, str], slots: Mapping[str, Slot], head: str, least: int = 1) -> range:
    """The numbers of the rows that are shown: those that the form had, and `least` at least."""
    found = re.compile(re.escape(head) + r"\.(\d{1,2})(?:\.|$)")
    numbers = [int(it[1]) for name in (*values, *slots) if (it := found.match(name))]
    return range(min(max([n + 1 for n in numbers] + [least]), row_limit(head)))


def row_limit(head: str) -> int:
    return ROW_LIMITS.get(head) or ROW_LIMITS[head.rpartition(".")[2]]


def with_row(values: Mapping[str, str], slots: Mapping[str, Slot], head: str) -> dict[str, str]:
    """The values with one more row of `head`; as they are where that is none of these rows."""
    if not (NAME.fullmatch(head) and head.partition(".")[0] in HEADS and head.rpartition(".")[2] in _LISTS):
        return dict(values)
    least = POINTS_OFFERED if head.endswith(".points") else 1
    return {**values, f"{head}.{len(rows(values, slots, head, least))}.row": ""}


def is_ours(name: str) -> bool:
    """Whether a form's field is one of these texts."""
    return name.partition(".")[0] in HEADS and bool(NAME.fullmatch(name)) and not name.endswith(SLOT_PARTS)


def slots_of(services: Services, form: Mapping[str, str], files: Collection[str]) -> dict[str, Slot]:
    """The slots that a form names, the empty ones included."""
    names = {name.rpartition(".")[0] for name in form if name.endswith(SLOT_PARTS[:2])} | {*files}
    return {name: named(services, name, form) for name in sorted(names) if SLOT.fullmatch(name)}


def texts(services: Services, spec: SamplingFields) -> tuple[dict[str, str], dict[str, Slot]]:
    """A resolved spec's items as texts and slots."""
    media = {name: ref for name, ref in named_media(spec).items() if SLOT.fullmatch(name)}
    told = spec.model_dump(mode="json", include=set(HEADS), exclude_none=True, exclude_defaults=True)
    flat = {name: controls.text_of(value) for name, value in _flat(told) if not name.endswith(SLOT_PARTS)}
    return flat, {name: from_reference(services, ref) for name, ref in media.items()}


def spec_fields(values: Mapping[str, str], slots: Mapping[str, Slot], tab: str) -> dict[str, Any]:
    """The items that something is said of."""
    tree = _said(values, slots)
    told = {head: made for head, item in tree.items() if (made := _item(head, item)) not in (None, [])}
    return {head: item for head, item in told.items() if tab not in NOT_ON.get(head, ())}


def form_name(values: Mapping[str, str], slots: Mapping[str, Slot], field: str) -> str:
    """What the form calls a field of the items: there, rows that nothing is said of count, too."""
    place: Any = _said(values, slots)
    told: list[str] = []
    for part in field.split("."):
        rows = _filled_rows(".".join(told), place) if part.isdecimal() and isinstance(place, dict) else []
        told.append(rows[int(part)] if part.isdecimal() and int(part) < len(rows) else part)
        place = place.get(told[-1], {}) if isinstance(place, dict) else {}
    return ".".join(told)


def _said(values: Mapping[str, str], slots: Mapping[str, Slot]) -> dict[str, Any]:
    """Everything that stands in the form, by the parts of its names."""
    filled = {name: slot.reference() for name, slot in slots.items() if slot.is_filled and SLOT.fullmatch(name)}
    said = {name: _switch(name, text) for name, text in values.items() if text and is_ours(name)}
    return _nested({**said, **filled})


_LISTS = frozenset({REGIONS, "keys", "trajectories", "brushes", "points", "controls", "references"})
# without it, nothing is said of a row
_NEEDED = {"controls": "video", "references": "image", "trajectories": "points", "brushes": "points"}


def _switch(name: str, text: str) -> Any:
    return True if name.endswith((".drawn", ".invert")) else text


def _item(head: str, item: Any) -> Any:
    """The item as the spec takes it, or None where nothing was said of it."""
    if head == "camera":
        return _camera(item)
    if head == "mask":
        return item if {"media", "box"} & item.keys() else None
    if head == "outpaint":
        return item if any(_is_number(item.get(side, "0")) for side in ("left", "top", "right", "bottom")) else None
    if head == REGIONS:
        return _listed(head, item)
    if head in ("prefix", "suffix"):
        return item if "video" in item else None
    if head not in _NEEDED:
        return item
    listed = _listed(head, item)
    return [{**row, "points": _listed("points", row["points"])} if "points" in row else row for row in listed]


def _camera(item: Mapping[str, Any]) -> dict[str, Any] | None:
    """Moments over time in place of constant speeds, where there are any; a speed of 0 is none."""
    keys = _listed("keys", item.get("keys", {}))
    if keys:
        return {"keys": keys}
    told = {name: value for name, value in item.items() if name == "preset" or (name != "keys" and _is_number(value))}
    return told or None


def _is_number(text: Any) -> bool:
    """Whether the text is anything but zero; what is no number is left to the spec to refuse."""
    try:
        return float(text) != 0
    except ValueError:
        return True


def _listed(name: str, tree: Mapping[str, Any]) -> list[Any]:
    return [tree[row] for row in _filled_rows(name, tree)]


def _filled_rows(name: str, tree: Mapping[str, Any]) -> list[str]:
    """The rows that something is said of; `name` ends with what they are rows of."""
    rows = [row for row in tree if row.isdecimal() and isinstance(tree[row], dict)]
    return [row for row in sorted(rows, key=int) if _is_filled(name.rpartition(".")[2], tree[row])]


def _is_filled(kind: str, row: Mapping[str, Any]) -> bool:
    if kind == "keys":  # a moment of speeds alone stays, for the spec to ask when it is
        return "at" in row or any(_is_number(text) for text in row.values())
    needed = _NEEDED.get(kind)
    return bool(row) if needed is None else needed in row or "media" in row


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """{"a.0.b": 1} as {"a": {"0": {"b": 1}}}; what contradicts an earlier name is left out."""
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        place: Any = tree
        for part in path:
            place = place.setdefault(part, {}) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place.setdefault(last, value)
    return tree


def _flat(tree: Any, path: str = "") -> list[tuple[str, Any]]:
    branches = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else None
    if branches is None:
        return [(path, tree)]
    return [leaf for key, value in branches for leaf in _flat(value, f"{path}.{key}" if path else str(key))]


__all__ = [
    "Offer",
    "form_name",
    "is_ours",
    "is_taken",
    "key_controls",
    "offer",
    "row_controls",
    "rows",
    "slots_of",
    "spec_fields",
    "texts",
    "with_row",
]

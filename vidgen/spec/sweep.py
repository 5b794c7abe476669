"""A sweep: one request many times over with one or two fields varied, so that their effect is seen side by side."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from vidgen.errors import SpecError
from vidgen.spec.job import JobSpec, SamplingFields
from vidgen.spec.resolve import drawn_seed
from vidgen.spec.unsampled import Unsampled

MOST_CLIPS = 64
MOST_AXES = 2

Resolver = Callable[[Mapping[str, Any]], JobSpec]
"""Fields of a request to its resolved spec. Raises what a request's own errors are."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A field of the spec (`seed`, `advanced.sampler`, …) and the values it takes, as they were written."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One clip of a sweep: its place (columns by the first axis, rows by the second) and its resolved spec."""

    column: int
    row: int
    spec: SamplingFields

    def value(self, axis: Axis) -> str:
        """What the axis' field is in this clip: a seed that was drawn is told as drawn."""
        found: Any = self.spec
        for name in axis.field.split("."):
            found = getattr(found, name)
        return f"{found:g}" if isinstance(found, float) else str(found)


def axis_of(text: str) -> Axis:
    """`seed=1,2,3`, or `prompt=a cat|a dog` where values hold commas. Raises SpecError on anything else."""
    field, sign, values = text.partition("=")
    found = tuple(value.strip() for value in values.split("|" if "|" in values else ","))
    if not (sign and field.strip() and all(found)):
        raise SpecError(f"vary={text}: write FIELD=VALUE,VALUE or FIELD=TEXT|TEXT", field="vary")
    return Axis(field.strip(), found)


def cells(fields: Mapping[str, Any], axes: Sequence[Axis], resolved: Resolver) -> list[Cell]:
    """Every combination, resolved before any is made. Without a seed one is drawn, the same for all.

    Raises SpecError (too many, a field twice, a task without a model) and whatever `resolved` raises.
    """
    axes = [_drawn(axis) for axis in axes]
    if not 1 <= len(axes) <= MOST_AXES or len({axis.field for axis in axes}) < len(axes):
        raise SpecError(f"vary: give one field or two different ones, not {len(axes)}", field="vary")
    columns, rows = axes[0], axes[1] if len(axes) > 1 else None
    places = list(product(range(len(rows.values) if rows else 1), range(len(columns.values))))
    if len(places) > MOST_CLIPS:
        raise SpecError(f"vary: {len(places)} clips; at most {MOST_CLIPS}", field="vary", nearest=(MOST_CLIPS,))
    common = dict(fields)
    if "seed" not in {axis.field for axis in axes}:
        common["seed"] = _clip(resolved(put(common, columns.field, columns.values[0]))).seed
    made = []
    for row, column in places:
        asked = put(common, columns.field, columns.values[column])
        asked = asked if rows is None else put(asked, rows.field, rows.values[row])
        made.append(Cell(column, row, _clip(resolved(asked))))
    return made


def _drawn(axis: Axis) -> Axis:
    """Seeds of -1 are drawn once for their column or row, not anew for every clip in it."""
    if axis.field != "seed":
        return axis
    return Axis(axis.field, tuple(str(drawn_seed()) if value == "-1" else value for value in axis.values))


def put(fields: Mapping[str, Any], name: str, value: str) -> dict[str, Any]:
    """The fields with one of them set; `advanced.x` is set within `advanced`."""
    outer, dot, inner = name.partition(".")
    if not dot:
        return {**fields, name: value}
    return {**fields, outer: {**(fields.get(outer) or {}), inner: value}}


def told(made: Sequence[Cell], axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """The axes with their values as the clips have them: seeds as drawn, numbers as they are written."""
    across = {cell.column: cell.value(axes[0]) for cell in made}
    down = {cell.row: cell.value(axes[1]) for cell in made} if len(axes) > 1 else {}
    return tuple(Axis(axis.field, tuple(values.values())) for axis, values in zip(axes, (across, down), strict=False))


def title_of(spec: JobSpec | SamplingFields, axes: Sequence[Axis]) -> str:
    """What all clips share and a viewer wants to know, and what is varied."""
    varied = [axis.field for axis in axes]
    shared = {name: getattr(spec, name) for name in ("seed", "prompt") if name not in varied}
    common = "  ".join(f"{name} {value}" for name, value in shared.items())
    return f"{spec.model}  {' by '.join(varied)}  {common}"


def _clip(spec: JobSpec) -> SamplingFields:
    if isinstance(spec, Unsampled):
        raise SpecError(f"task={spec.task}: a sweep is of clips that a model makes", field="task")
    return spec

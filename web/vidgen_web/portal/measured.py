"""What a clip with conditioning items was asked for beside what its frames do, as rows of the viewer's table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from vidgen.jobs.views import Job
from vidgen_web.api.conditioning import conditioning_of
from vidgen_web.portal import words
from vidgen_web.portal.composer.labels import choice_label, label
from vidgen_web.portal.languages import gettext as _
from vidgen_web.services import Services

Entry = Mapping[str, Any]
PROMPT_SHOWN = 80
"""Characters of a region's prompt that the table shows."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was asked for; `measured` is in the same words or units."""

    item: str
    asked: str
    measured: str


def measured(found: Services, job: Job) -> list[Row]:
    """A row an item, an axis of the camera, or a side of a mask; none of a clip without a report."""
    report = conditioning_of(found, job) or {}
    made = [row for head, rows in ROWS.items() for row in rows(report.get(head, []))]
    return [row for row in made if row.measured]


def _camera(entries: list[Entry]) -> Iterator[Row]:
    for entry in entries:
        for axis, told in entry["axes"].items():
            # what nobody asked for is noise, unless it is seen
            asked, found = told.get("requested_over_time") or [told["requested"]], told["measured"]
            if any(asked) or abs(found or 0.0) >= 1:
                shown = _("not measured") if found is None else _number(found)
                if len(set(asked)) > 1:
                    # one that turns back goes nowhere on the whole: only its beginning and its end say anything
                    seen = [it for it in told["over_time"] if it is not None]
                    shown = _from_to(seen) if seen else _("not measured")
                yield Row(label(f"camera.{axis}"), _from_to(asked), shown)


def _paths(entries: list[Entry]) -> Iterator[Row]:
    for n, entry in enumerate(entries, 1):
        away = _("not measured")
        if entry["measured"] is not None:
            away = _("%(way)s, off by %(share)s %% of the width", way=_way(entry["measured"]), share=_share(entry))
        yield Row(_("Path %(n)s", n=n), _way(entry["requested"]), away)


def _controls(entries: list[Entry]) -> Iterator[Row]:
    for entry in entries:
        kind = choice_label("controls.kind", entry["kind"])
        found = _number(entry["measured"]) if entry.get("measured") is not None else _("not measured")
        yield Row(_("Control: %(kind)s", kind=kind), _used(entry, _("nothing")), found)


def _used(entry: Entry, nothing: str) -> str:
    """What was asked for, with a weight and a share of the steps where they are not whole."""
    asked, weight = entry.get("requested", 1), entry.get("weight")
    start, end = entry.get("start", 0), entry.get("end", 1)
    told = nothing if asked is None else _number(asked)
    if weight not in (None, 1):
        told = _("%(told)s, weight %(weight)s", told=told, weight=_number(weight))
    if (start, end) != (0, 1):
        told = _("%(told)s, steps %(start)s to %(end)s %%", told=told, start=_percent(start), end=_percent(end))
    return told


def _brushes(entries: list[Entry]) -> Iterator[Row]:
    for entry in entries:
        yield Row(_("Motion brush"), _number(entry["requested"]), _number(entry["measured"]))


def _strength(entries: list[Entry]) -> Iterator[Row]:
    for entry in entries:
        speed = _("%(n)s widths a second", n=_number(entry["widths_a_second"]))
        yield Row(_("Strength of the motion"), _number(entry["requested"]), speed)


def _masks(entries: list[Entry]) -> Iterator[Row]:
    for entry in entries:
        outside = _("%(n)s dB to the source", n=_number(entry["outside_psnr"]))
        inside = _("%(n)s of 255 grey levels off", n=_number(entry["inside_change"]))
        yield Row(_("Outside of the mask"), _("unchanged"), outside)
        yield Row(_("Inside of the mask"), _("made anew"), inside)


def _ends(entries: list[Entry]) -> Iterator[Row]:
    for entry in entries:
        name = _("Clip before it") if entry["end"] == "prefix" else _("Clip after it")
        given = _("its %(n)s frames", n=entry["frames"])
        shown = _("%(n)s dB to them", n=_number(entry["psnr"]))
        if entry.get("elsewhere") is not None:
            others = _number(entry["elsewhere"])
            shown = _("%(n)s dB to them; the other frames %(others)s", n=_number(entry["psnr"]), others=others)
        yield Row(name, given, shown)


def _pictures(entries: list[Entry]) -> Iterator[Row]:
    for entry in entries:
        name = words.control_label(entry["picture"])
        near, others = _number(entry["psnr"]), _number(entry["elsewhere"])
        shown = _("%(n)s dB to it; the other frames %(others)s", n=near, others=others)
        yield Row(name, f"{words.decimal(entry['seconds'], 2)} s", shown)


def _regions(entries: list[Entry]) -> Iterator[Row]:
    """How far the model says that the region's own prompt is what is seen there, and in all other places."""
    for n, entry in enumerate(entries):
        found, elsewhere = entry["measured"], entry.get("elsewhere")
        shown = _("not measured") if found is None else _("%(n)s of -1 to 1", n=_number(found))
        if elsewhere is not None:
            shown = _("%(n)s of -1 to 1; elsewhere %(other)s", n=_number(found), other=_number(elsewhere))
        asked = shorten(entry["prompt"], PROMPT_SHOWN, placeholder="…")
        if entry.get("weight", 1) != 1:
            asked = _("%(told)s, weight %(weight)s", told=asked, weight=_number(entry["weight"]))
        yield Row(words.control_label(f"regions.{n}"), asked, shown)


def _references(entries: list[Entry]) -> Iterator[Row]:
    for n, entry in enumerate(entries):
        found, others = _percent(entry["measured"]), entry.get("other_colours")
        shown = f"{found} %"
        if others is not None:
            shown = _("%(n)s %%; of the same in other colours %(others)s %%", n=found, others=_percent(others))
        yield Row(words.control_label(f"references.{n}"), _("its colours"), shown)


ROWS = {
    "camera": _camera,
    "trajectories": _paths,
    "controls": _controls,
    "brushes": _brushes,
    "motion": _strength,
    "mask": _masks,
    "ends": _ends,
    "pictures": _pictures,
    "regions": _regions,
    "references": _references,
}


def _number(value: float) -> str:
    return words.decimal(value, 2)


def _from_to(speeds: list[float]) -> str:
    """A speed, or those of the first and of the last fourth where it changes."""
    if len(set(speeds)) == 1:
        return _number(speeds[0])
    count = max(1, len(speeds) // 4)
    ends = (sum(speeds[:count]) / count, sum(speeds[-count:]) / count)
    return " → ".join(map(_number, ends))


def _way(points: list[list[float]]) -> str:
    """Where a path begins and ends."""
    return " → ".join(f"{_number(x)} / {_number(y)}" for x, y in (points[0], points[-1]))


def _share(entry: Entry) -> str:
    return _percent(entry["mean_error"])


def _percent(share: float) -> str:
    return words.decimal(100 * share, 0)

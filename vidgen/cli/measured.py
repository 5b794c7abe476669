"""What a conditioned clip was asked for beside what its frames do, as lines of the terminal."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Entry = Mapping[str, Any]


def lines_of(report: Mapping[str, list[Entry]]) -> list[str]:
    """At least one of every entry, by the kinds of `LINES`."""
    return [line for kind, lines in LINES.items() for entry in report.get(kind, ()) for line in lines(entry)]


def _camera(entry: Entry) -> Iterator[str]:
    for axis, it in entry["axes"].items():
        if it["measured"] is not None:
            yield f"camera {axis}: {_beside(it)}"
    if "why" in entry:
        yield _unknown("camera", entry)


def _trajectory(entry: Entry) -> Iterator[str]:
    away = entry["mean_error"]
    yield _unknown("trajectory", entry) if away is None else f"trajectory: {away:.1%} of the width off"


def _control(entry: Entry) -> Iterator[str]:
    name = f"control {entry['kind']}{_used(entry)}"
    yield _unknown(name, entry) if entry["measured"] is None else f"{name}: {_beside(entry)}"


def _used(entry: Entry) -> str:
    """A weight and a share of the steps, where they are not wholly."""
    weight, start, end = entry.get("weight", 1.0), entry.get("start", 0.0), entry.get("end", 1.0)
    told = [f"weight {weight:g}"] if weight not in (None, 1) else []
    told += [f"steps {start:.0%} to {end:.0%}"] if (start, end) != (0, 1) else []
    return f" ({', '.join(told)})" if told else ""


def _beside(entry: Entry) -> str:
    asked = entry.get("requested")
    return f"{'nothing' if asked is None else format(asked, 'g')} asked, {entry['measured']:g} measured"


def _brushes(entry: Entry) -> Iterator[str]:
    yield f"brushes: {_beside(entry)}"


def _motion(entry: Entry) -> Iterator[str]:
    speed = f"{entry['widths_a_second']:g} widths a second"
    yield f"motion strength: {entry['requested']:g} {entry['unit']} asked; {speed}, {entry['why']}"


def _mask(entry: Entry) -> Iterator[str]:
    inside = f"{entry['inside_change']:g} of 255 grey levels changed inside"
    yield f"mask: outside {entry['outside_psnr']:g} dB to the source ({entry['requested']:g}: equal), {inside}"


def _ends(entry: Entry) -> Iterator[str]:
    yield f"{entry['end']}: {entry['psnr']:g} dB to the clip ({entry['requested']:g}: equal), {_others(entry)}"


def _pictures(entry: Entry) -> Iterator[str]:
    yield f"{entry['picture']}: frame {entry['frame']} is {entry['psnr']:g} dB from it, {_others(entry)}"


def _others(entry: Entry) -> str:
    return f"the others {_or_why(entry, 'elsewhere', 'g')}"


def _region(entry: Entry) -> Iterator[str]:
    name = f"regions.{entry['region']}{_used(entry)}"
    if entry["measured"] is None:
        yield _unknown(name, entry)
    else:
        yield f"{name}: {entry['measured']:g} of -1 to 1 its own prompt, {_or_why(entry, 'elsewhere', 'g')} elsewhere"


def _reference(entry: Entry) -> Iterator[str]:
    others = _or_why(entry, "other_colours", ".0%")
    yield f"reference: {entry['measured']:.0%} of its colours, {others} of the same in other colours"


def _or_why(entry: Entry, name: str, form: str) -> str:
    value = entry[name]
    return f"unknown ({entry['why']})" if value is None else format(value, form)


def _unknown(name: str, entry: Entry) -> str:
    return f"{name}: not measured; {entry['why']}"


LINES: Mapping[str, Callable[[Entry], Iterator[str]]] = {
    "camera": _camera,
    "trajectories": _trajectory,
    "controls": _control,
    "brushes": _brushes,
    "motion": _motion,
    "mask": _mask,
    "ends": _ends,
    "pictures": _pictures,
    "regions": _region,
    "references": _reference,
}

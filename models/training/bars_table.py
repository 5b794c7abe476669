"""One table of every bar: wanted, measured, what stands beside it, and whether it is held.

Run `python -m training.bars_table --work <folder>`. Figures measured in that folder count; the others are those stored
with the model cards, and the table names them so. With `--card FILE` the table is written into the card between its two
marks, and the figures are stored.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Collection
from pathlib import Path

from training import figures
from training.bars import BARS, Bar
from training.figures import Figures

STORED = Path(__file__).parents[1] / "cards"
BEGIN, END = "<!-- bars: made by training.bars_table -->", "<!-- end of bars -->"
HEAD = "| | bar | wanted | measured | beside it | held | what limits it |\n|---|---|---|---|---|---|---|"


def shown(value: float | None, unit: str) -> str:
    """A figure in its unit; shares are stored from 0 to 1 and shown in per cent."""
    if value is None:
        return "not measured"
    if unit == "%":
        return f"{100 * value:.0f} %"
    digits = {"dB": 2, "grey levels": 2, "": 0, "ms": 0, "MB": 1}.get(unit, 1)
    return f"{value:.{digits}f} {unit}".rstrip()


def verdict(bar: Bar, found: Figures) -> str:
    """Whether the bar is held, and by how much it is not."""
    held = bar.held(found)
    if held is None:
        return "not measured"
    value, target = figures.value(found, bar.measured), bar.target(found)
    assert value is not None
    assert target is not None
    missed = abs(value - target)
    return (
        "yes" if held else f"**no**, by {f'{100 * missed:.0f} points' if bar.unit == '%' else shown(missed, bar.unit)}"
    )


def row(bar: Bar, found: Figures, fresh: Collection[str]) -> str:
    """`fresh` are the sections that were measured in this run; the figure of another is marked as stored."""
    sign = "≥" if bar.at_least else "≤"
    value = shown(figures.value(found, bar.measured), bar.unit)
    stored = bar.measured.split("/")[0] not in fresh and value != "not measured"
    beside = f"{shown(figures.value(found, bar.control), bar.unit)} ({bar.beside})" if bar.control else ""
    limit = bar.limit if bar.held(found) is False else ""
    wanted = f"{sign} {shown(bar.target(found), bar.unit)}"
    cells = (bar.area, bar.name, wanted, value + ("\\*" if stored else ""), beside, verdict(bar, found), limit)
    return "| " + " | ".join(cells) + " |"


def table(found: Figures, fresh: Collection[str]) -> str:
    """All bars, and how many of them are held."""
    rows = [row(bar, found, fresh) for bar in BARS]
    held = [bar.held(found) for bar in BARS]
    count = (
        f"{held.count(True)} of {len(held)} are held, {held.count(False)} are not, {held.count(None)} are not measured."
    )
    stored = [f"{name} ({s['of']}, `{s['command']}`)" for name, s in sorted(found.items()) if name not in fresh]
    notes = f"\n\\* stored, not measured in this run: {'; '.join(stored)}." if stored else ""
    return "\n".join((HEAD, *rows)) + f"\n\n{count}{notes}\n"


def write(card: Path, text: str) -> None:
    """Puts `text` between the card's marks. Raises ValueError where it has none."""
    before = card.read_text()
    if BEGIN not in before or END not in before:
        raise ValueError(f"{card}: no marks {BEGIN!r} and {END!r}")
    between = re.compile(f"({re.escape(BEGIN)}).*({re.escape(END)})", re.DOTALL)
    card.write_text(between.sub(lambda found: f"{found[1]}\n{text}{found[2]}", before))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("training-work"))
    parser.add_argument("--cache", type=Path, help="not needed; taken so that all evaluations are called alike")
    parser.add_argument("--stored", type=Path, default=STORED, help="folder of the figures stored before")
    parser.add_argument("--card", type=Path, help="write the table into this file, and store the figures")
    args = parser.parse_args()
    fresh = figures.read(args.work)
    found = figures.read(args.stored) | fresh
    print(table(found, fresh))
    if args.card is not None:
        (args.stored / figures.FILE).write_text(json.dumps(found, indent=1) + "\n")
        write(args.card, table(found, found))


if __name__ == "__main__":
    main()

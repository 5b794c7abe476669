"""Draws learning curves out of what the recipes print, as a small SVG picture.

Run `python -m training.curves --output FILE.svg --panel "title: log file: names" ...`, such as `--panel "loss, scenes:
.train/log: scene control"`. A recipe's line is a step, the minutes spent, and names with numbers; a run that began anew
in the same file goes on where the one before it ended. Figures by hand, such as those of evaluations, are said as
`--panel "PSNR: sprites = 559 38.6, 4381 40.05; film = 559 35.2: 41.5"`, the last being what is wanted. Knows no
network.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

LINE = re.compile(r"^(\d+) (\d+(?:\.\d+)?) min (.*)$")
NAMED = re.compile(r"([a-zA-Z][\w/ ]*?) (-?\d+(?:\.\d+)?)(?= |$)")
COLOURS = ("#1d6fb8", "#c2410c", "#15803d", "#7e22ce", "#475569")
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 360, 220, 46, 26, 30  # of one panel, and its edges
ACROSS = "minutes of training"
Curve = list[tuple[float, float]]
"""Minutes and figures."""


def read(log: Path, smooth: int = 1) -> dict[str, Curve]:
    """Every named figure over the minutes of training; means of `smooth` neighbours."""
    curves: dict[str, Curve] = {}
    gone, before = 0.0, 0.0
    for line in log.read_text().splitlines():
        if (found := LINE.match(line)) is None:
            continue
        minutes = float(found[2])
        gone, before = (gone + before if minutes < before else gone), minutes
        for name, value in NAMED.findall(found[3]):
            curves.setdefault(name, []).append((gone + minutes, float(value)))
    return {name: _smoothed(curve, smooth) for name, curve in curves.items()}


def _smoothed(curve: Curve, count: int) -> Curve:
    groups = [curve[n : n + count] for n in range(0, len(curve), count)]
    return [(sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups]


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers from `low` to `high`, about `count` of them."""
    span = (high - low) or 1.0
    power = 10.0 ** len(str(int(span / count))) / 10 if span / count >= 1 else 1.0
    while power > span / count:
        power /= 10
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= span / count)
    first = -(-low // step)
    return [round((first + n) * step, 10) for n in range(int((high - first * step) / step + 1e-9) + 1)]


def panel(title: str, curves: Mapping[str, Curve], wanted: float | None = None, across: str = ACROSS) -> str:
    """One picture of WIDTH x HEIGHT: the curves, their names, and a broken line at what is wanted."""
    points = [point for curve in curves.values() for point in curve]
    levels = [y for _, y in points] + ([] if wanted is None else [wanted])
    right, low, high = max(x for x, _ in points), min(levels), max(levels)
    low, high = low - 0.06 * (high - low or 1), high + 0.06 * (high - low or 1)

    def at(x: float, y: float) -> str:
        across, up = x / (right or 1), (y - low) / (high - low)
        return f"{LEFT + across * (WIDTH - LEFT - 12):.1f},{HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM):.1f}"

    parts = [f'<text x="{LEFT}" y="16" font-weight="bold">{escape(title)}</text>']
    for level in ticks(low, high):
        (x, y), (end, _) = (at(side, level).split(",") for side in (0, right))
        parts.append(f'<path d="M{x} {y}H{end}" stroke="#e2e8f0"/>')
        parts.append(f'<text x="{LEFT - 4}" y="{float(y) + 4:.1f}" text-anchor="end">{level:g}</text>')
    for minutes in ticks(0, right):
        x = at(minutes, low).split(",")[0]
        parts.append(f'<text x="{x}" y="{HEIGHT - 14}" text-anchor="middle">{minutes:g}</text>')
    parts.append(f'<text x="{WIDTH - 12}" y="{HEIGHT - 2}" text-anchor="end">{escape(across)}</text>')
    if wanted is not None:
        parts.append(
            f'<polyline points="{at(0, wanted)} {at(right, wanted)}" stroke="#dc2626" stroke-dasharray="5 4"/>'
        )
    for number, (name, curve) in enumerate(curves.items()):
        colour, place = COLOURS[number % len(COLOURS)], f'x="{WIDTH - 12}" y="{TOP + 26 + 13 * number}"'
        line = " ".join(at(x, y) for x, y in curve)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        parts.append(f'<text {place} text-anchor="end" fill="{colour}">{escape(name)}</text>')
    return "\n".join(parts)


def sheet(panels: Sequence[str], columns: int = 2) -> str:
    """An SVG document of all panels, `columns` a row."""
    rows = -(-len(panels) // columns)
    placed = [
        f'<g transform="translate({n % columns * WIDTH},{n // columns * HEIGHT})">\n{p}\n</g>'
        for n, p in enumerate(panels)
    ]
    size = f'width="{WIDTH * min(columns, len(panels))}" height="{HEIGHT * rows}"'
    style = 'font-family="sans-serif" font-size="11" fill="#1e293b"'
    background = '<rect width="100%" height="100%" fill="white"/>'
    return "\n".join((f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>', background, *placed, "</svg>\n"))


def described(text: str, smooth: int, across: str = ACROSS) -> str:
    """A panel from its words: `title: log: names [: wanted]`, or `title: name = x y, x y; name = x y [: wanted]`."""
    title, source, *rest = (part.strip() for part in text.split(":"))
    if "=" in source:
        curves = {name.strip(): _points(figures) for name, figures in (c.split("=") for c in source.split(";"))}
    else:
        found, names, rest = read(Path(source), smooth), rest[0].split(), rest[1:]
        curves = {name: found[name] for name in names}
    return panel(title, curves, float(rest[0]) if rest else None, across)


def _points(figures: str) -> Curve:
    pairs = (pair.split() for pair in figures.split(","))
    return [(float(x), float(y)) for x, y in pairs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--panel", action="append", required=True, help="title: log: names [: wanted]")
    parser.add_argument("--across", default=ACROSS, help="what lies along the horizontal axis")
    parser.add_argument("--smooth", type=int, default=1, help="so many neighbouring figures are one")
    args = parser.parse_args()
    args.output.write_text(sheet([described(text, args.smooth, args.across) for text in args.panel]))


if __name__ == "__main__":
    main()

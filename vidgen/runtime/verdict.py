"""What a model says of a clip that it made: how well something that was asked for explains what is there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LEVELS = (0.85, 0.7)
"""Noise levels at which a clip is looked at: coarse things are still open, as what stands where, in which colours."""
DRAWS = 2
"""Draws of noise at each level."""
PREDICTIONS = DRAWS * len(LEVELS)
"""What a prompt costs a window."""
WINDOWS = 3
"""Of a long clip that are looked at: the first, the last, and one between them."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Sums of squared errors of predictions: under what was asked for (`own`), and under what the clip had without it
    (`other`)."""

    own: float = 0.0
    other: float = 0.0

    def __add__(self, more: "Errors") -> "Errors":
        return Errors(self.own + more.own, self.other + more.other)

    @property
    def preference(self) -> float | None:
        """-1..1: 1 where what was asked for explains everything, 0 where neither does better, -1 where the other does;
        None where nothing was looked at."""
        total = self.own + self.other
        return (self.other - self.own) / total if total else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one window, on an item by its field in the spec: where it was asked for, and everywhere else."""

    field: str
    inside: Errors
    outside: Errors = Errors()

    def __add__(self, more: "Verdict") -> "Verdict":
        """Of both windows."""
        return Verdict(self.field, self.inside + more.inside, self.outside + more.outside)


def together(said: Iterable[Verdict]) -> Mapping[str, Verdict]:
    """What was said of all windows, by field."""
    found: dict[str, Verdict] = {}
    for verdict in said:
        found[verdict.field] = found[verdict.field] + verdict if verdict.field in found else verdict
    return found

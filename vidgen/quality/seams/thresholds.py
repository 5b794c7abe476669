"""From which value on a joint counts as a seam: one data file, written by the calibration on film."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Threshold:
    """`limit` is a robust z-score, measured with a scale of at least `floor`; of the drift it is the ΔE itself."""

    limit: float
    floor: float = 0.0


@dataclass(frozen=True, slots=True)
class Thresholds:
    """By measure, and where the numbers come from."""

    measures: dict[str, Threshold]
    provenance: dict[str, Any]

    def __getitem__(self, measure: str) -> Threshold:
        return self.measures[measure]


@cache
def calibrated() -> Thresholds:
    """The thresholds of `thresholds.toml`, as `make calibrate-seams` writes them."""
    read = tomllib.loads((files(__package__) / "thresholds.toml").read_text())
    return Thresholds({name: Threshold(**numbers) for name, numbers in read["measures"].items()}, read["provenance"])

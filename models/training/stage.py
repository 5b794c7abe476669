"""What every stage of a recipe is told: its preset, the device it computes on, and the folders it reads and writes."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch

from training import device as devices
from training.canvas import Canvas
from training.emojibase import more_subjects
from training.presets import PRESETS, Preset
from training.subjects import COMMON, Library


@dataclass(frozen=True, slots=True)
class Stage:
    """`cache` holds what packages give, `work` what the recipe makes."""

    preset: Preset
    device: torch.device
    cache: Path
    work: Path

    @property
    def canvas(self) -> Canvas:
        return Canvas(self.preset.side)

    @property
    def library(self) -> Library:
        """The subjects that the preset names; those beyond the common ones out of a package."""
        return more_subjects(self.cache, self.preset.subjects) if self.preset.subjects else COMMON

    @classmethod
    def of(cls, args: argparse.Namespace) -> Stage:
        """Of parsed `options`. Raises NoDevice before anything is read or fetched."""
        preset = PRESETS[args.preset]
        return cls(preset, devices.chosen(preset.name, preset.device, args.device), args.cache, args.work)


def options(description: str | None) -> argparse.ArgumentParser:
    """A parser of what all stages take."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--preset", choices=PRESETS, default="cpu")
    parser.add_argument("--device", help="cpu or cuda; the preset's own when left out")
    parser.add_argument("--cache", type=Path, default=Path("training-cache"))
    parser.add_argument("--work", type=Path, default=Path("training-work"))
    return parser

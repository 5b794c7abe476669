"""Trains the upscaling networks on scenes and film, clean and damaged by H.264 and by our autoencoder.

Run `python -m training.upscaling --scale 2`, then `--scale 4`, which begins with the body of the first. Both resume
from `upscaling-x<scale>.pt` in the work folder, optimiser included; the learning rate falls as a cosine of the time
spent. Loss: the logarithms of the mean absolute and of the mean square error of every sample, as the figure to be won
is a mean of decibels.
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
from training.moving_scenes import load_sprites
from training.optimiser import for_module
from training.parallel import Workers, launch
from training.sources import film_file
from training.upscaling_data import SHARES, Material, Pairs, random_batch
from vidgen_models.nets.upscaling import UpscalingNet, UpscalingParams

CROP = 48
EMA = 0.998
MUON_LR = 0.005


def loss(output: Tensor, target: Tensor, kinds: list[str]) -> tuple[Tensor, dict[str, float]]:
    """The scalar to minimise, and decibels of each kind of damage."""
    error = output - target
    absolute, square = error.abs().mean((1, 2, 3)), error.square().mean((1, 2, 3))
    decibel = -10 * torch.log10(square.detach().clamp(min=1e-7))
    figures = {
        k: float(np.mean([d for d, kind in zip(decibel.tolist(), kinds, strict=True) if kind == k] or np.nan))
        for k in SHARES
    }
    return (torch.log(absolute + 1e-3) + 0.5 * torch.log(square + 1e-5)).mean(), figures


def begin(
    scale: int, work: Path, clock: Clock, rate: float
) -> tuple[UpscalingNet, UpscalingNet, torch.optim.Optimizer]:
    """The network, its moving average and its optimiser: from their checkpoint, or from the smaller scale's body."""
    torch.manual_seed(0)
    net = UpscalingNet(UpscalingParams(scale=scale)).to(memory_format=torch.channels_last)
    optimiser = for_module(net, rate, other_ratio=0.1)
    state = restore(work / f"upscaling-x{scale}.pt", clock, net, optimiser)
    if state is None and scale == 4:
        smaller = torch.load(work / "upscaling-x2.pt", weights_only=True)["average"]
        net.load_state_dict({k: v for k, v in smaller.items() if not k.startswith("proj_out")}, strict=False)
    average = deepcopy(net).requires_grad_(False)
    if state is not None:
        average.load_state_dict(state["average"])
    return net, average, optimiser


def material(cache: Path, work: Path) -> Material:
    file = film_file(cache)
    assert file is not None, "the film's package could not be fetched"
    film = prepare(file, work)
    return Material(load_sprites(cache, held_out=False), film, film.trained())


def train(workers: Workers, scale: int, minutes: float, batch_size: int, rate: float, cache: Path, work: Path) -> None:
    clock = Clock(budget=minutes * 60)
    net, average, optimiser = begin(scale, work, clock, rate)
    pairs = {damage: Pairs(work, lambda: material(cache, work), scale, damage) for damage in SHARES}
    rng = np.random.default_rng([workers.rank, clock.step])
    if workers.leads:
        parameters = sum(p.numel() for p in net.parameters())
        print(f"x{scale}: {parameters} parameters, {workers.count} x {batch_size} pairs a step, from {clock.step}")
    due, shown = Every(90), dict[str, float]()
    while clock.progress < 1:
        with clock.counting():
            for group in optimiser.param_groups:
                group["lr"] = rate * clock.cosine(warmup=30, floor=0.01)
            small, large, kinds = random_batch(pairs, batch_size, CROP, scale, rng)
            with torch.autocast("cpu", torch.bfloat16):
                output = net(small)
            total, figures = loss(output, large, kinds)
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
            print(clock.step, f"{clock.spent / 60:.2f} min", *(f"{k} {v:.2f}" for k, v in shown.items()), flush=True)
        if workers.leads and (due() or clock.progress >= 1):
            save(work / f"upscaling-x{scale}.pt", clock, net, optimiser, average=average.state_dict())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=int, choices=(2, 4), required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=MUON_LR)
    parser.add_argument("--cache", type=Path, default=Path("training-cache"))
    parser.add_argument("--work", type=Path, default=Path("training-work"))
    parser.add_argument("--processes", type=int, default=1)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    run = partial(
        train,
        scale=args.scale,
        minutes=args.minutes,
        batch_size=args.batch,
        rate=args.learning_rate,
        cache=args.cache,
        work=args.work,
    )
    launch(run, args.processes)


if __name__ == "__main__":
    main()

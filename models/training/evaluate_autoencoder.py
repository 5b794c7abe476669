"""Measures the autoencoder alone: how near clips come back, whether they still move inside its groups of four frames,
and whether a spin keeps its angle.

Run `python -m training.evaluate_autoencoder --model <folder>`. Clips of named sprites at new places, of sprites that it
was never trained on, and of film. The control is the same clips with each group held at its first frame: an
autoencoder that freezes motion would be no better. PSNR alone does not see that.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLWan
from numpy.typing import NDArray

from training import figures
from training.canvas import SMALL, Canvas
from training.device import best
from training.emojibase import library_of
from training.grounds import PLAIN
from training.judges import real_clips
from training.latents import decode, encode
from training.places import Placement, path
from training.render import draw, render_clip, shot
from training.sampling import side_of, to_pixels
from training.sources import film_file
from training.sprites import Sprite, load_sprites, load_unnamed
from training.subjects import COMMON, Library
from training.textures import Textures
from training.vae import to_tensor

FRAMES, GROUP = 17, 4
SWEEP = np.arange(-48.0, 48.1, 4.0)  # degrees around the true angle where a turned sprite is looked for
Clips = NDArray[np.uint8]


def psnr(a: Clips, b: Clips) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b.astype(float)) ** 2)))


def rebuilt(vae: AutoencoderKLWan, clips: Clips) -> Clips:
    """B T H W 3 clips, encoded and decoded again."""
    parts = [decode(vae, encode(vae, part)) for part in to_tensor(clips).split(8)]
    return to_pixels(torch.cat(parts))


def held(clips: Clips) -> Clips:
    """The control: each of the autoencoder's groups shows its first frame throughout. The first frame is a group of
    its own."""
    return clips[:, [0, *(1 + GROUP * ((t - 1) // GROUP) for t in range(1, clips.shape[1]))]]


def frame_change(clips: Clips) -> float:
    """Mean absolute difference of neighbouring frames inside the autoencoder's groups of four."""
    change = np.abs(np.diff(clips.astype(float), axis=1)).mean(axis=(0, 2, 3, 4))
    return float(np.mean([c for i, c in enumerate(change) if i % GROUP != 0]))


def report(vae: AutoencoderKLWan, clips: Clips) -> dict[str, float]:
    """Quality and liveliness on real clips, PSNR by position inside two groups; beside the control."""
    back = rebuilt(vae, clips)
    positions = {f"psnr_frame_{i}": round(psnr(clips[:, i], back[:, i]), 2) for i in range(9)}
    return {
        "n": len(clips),
        "psnr": round(psnr(clips, back), 2),
        "psnr_held": round(psnr(clips, held(clips)), 2),
        "within_group_change": round(frame_change(back) / frame_change(clips), 3),
        "saw_tooth": round(np.ptp([positions[f"psnr_frame_{i}"] for i in range(1, 9)]), 2),
        **positions,
    }


def spins(
    sprites: Sequence[Sprite], count: int, rng: np.random.Generator, canvas: Canvas = SMALL
) -> tuple[Clips, list[list[Placement]]]:
    """Turning sprites over plain grounds, and where they are."""
    places = [path("spin", FRAMES, rng) for _ in range(count)]
    grounds = [list(PLAIN)[rng.integers(len(PLAIN))] for _ in range(count)]
    shots = [
        shot(sprites[n % len(sprites)], p, g, "static", rng, canvas=canvas)
        for n, (p, g) in enumerate(zip(places, grounds, strict=True))
    ]
    return np.stack([s.frames() for s in shots]), places


def angles(sprite: Sprite, clip: Clips, places: Sequence[Placement]) -> NDArray[np.float64]:
    """By how many degrees the sprite seems to be turned away from each of its `places`."""
    ground = np.broadcast_to(clip[0, 0, 0].astype(np.float32) / 255, clip.shape[1:])
    found = []
    for frame, place in zip(clip.astype(np.float32) / 255, places, strict=True):
        turned = [draw(ground, sprite, _turned(place, float(by))) for by in SWEEP]
        found.append(SWEEP[int(np.argmin([np.square(frame - t).mean() for t in turned]))])
    return np.array(found)


def _turned(place: Placement, by: float) -> Placement:
    return Placement(place.x, place.y, place.side, place.angle + by)


def angle_error(sprites: Sequence[Sprite], clips: Clips, places: Sequence[Sequence[Placement]]) -> float:
    """Mean of the absolute angles by which turning sprites are off, in degrees."""
    errors = [
        np.abs(angles(sprites[n % len(sprites)], c, p)).mean()
        for n, (c, p) in enumerate(zip(clips, places, strict=True))
    ]
    return round(float(np.mean(errors)), 2)


def film_clips(cache: Path, count: int, rng: np.random.Generator, canvas: Canvas = SMALL) -> Clips | None:
    """Excerpts of the film at the model's size; None where it cannot be fetched."""
    film = film_file(cache)
    if film is None:
        return None
    excerpts = Textures(film, count, canvas).shots
    return np.stack([_cut(excerpt, rng, canvas.side) for excerpt in excerpts])


def _cut(excerpt: Clips, rng: np.random.Generator, side: int) -> Clips:
    y, x = (int(rng.integers(0, length - side + 1)) for length in excerpt.shape[1:3])
    return excerpt[:FRAMES, y : y + side, x : x + side]


def evaluate(
    vae: AutoencoderKLWan, cache: Path, count: int, canvas: Canvas = SMALL, library: Library = COMMON
) -> dict[str, dict[str, float]]:
    rng = np.random.default_rng(51)
    sprites, strangers = load_sprites(cache, canvas, library), load_unnamed(cache, canvas, library)
    chosen = [strangers[i] for i in rng.permutation(len(strangers))[:count]]
    motions = ("left", "up", "grow", "spin", "still", "bounce")
    strange = [
        render_clip(sprite, motions[n % len(motions)], str(rng.choice(list(PLAIN))), rng, canvas=canvas)
        for n, sprite in enumerate(chosen)
    ]
    values = {
        "sprites": report(vae, real_clips(sprites, count, rng, canvas=canvas, library=library)[0]),
        "sprites never seen": report(vae, np.stack(strange)),
    }
    if (film := film_clips(cache, count, rng, canvas)) is not None:
        values["film"] = report(vae, film)
    named = list(sprites.values())
    turning, places = spins(named, count, rng, canvas)
    values["spins"] = report(vae, turning) | {
        "angle_error": angle_error(named, rebuilt(vae, turning), places),
        "angle_error_held": angle_error(named, held(turning), places),
        "angle_error_real": angle_error(named, turning, places),
    }
    return values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("training-cache"))
    parser.add_argument("--work", type=Path, default=Path("training-work"))
    parser.add_argument("--count", type=int, default=96, help="clips of each kind")
    args = parser.parse_args()
    vae = AutoencoderKLWan.from_pretrained(args.model / "vae", dtype=torch.float32).eval().requires_grad_(False)
    canvas, library = Canvas(side_of(args.model)), library_of(args.model, args.cache)
    values = evaluate(vae.to(best()), args.cache, args.count, canvas, library)
    for name, found in values.items():
        print(name, json.dumps(found), flush=True)
    figures.keep(args.work, "autoencoder", "python -m training.evaluate_autoencoder", figures.named(args.model), values)


if __name__ == "__main__":
    main()

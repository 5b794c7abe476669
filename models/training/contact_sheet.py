"""A sheet of clips for the eye: each clip is a strip of frames under its prompt."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from training.captions import HELD_OUT_TEMPLATES, TEMPLATES, Scene, caption, random_scene
from training.evaluate import motions_of
from training.places import MOTIONS
from training.sampling import Generator, Settings

SHOWN_FRAMES = (0, 8, 16)
SIDE = 96
QUALITY = 92


def sheet(
    clips: NDArray[np.uint8], labels: Sequence[str], columns: int = 4, frames: Sequence[int] = SHOWN_FRAMES
) -> Image.Image:
    """Strips of the chosen frames, `columns` clips a row, each under its label, enlarged smoothly as a player does."""
    strip, row = SIDE * len(frames) + 6, SIDE + 14
    rows = -(-len(clips) // columns)
    page = Image.new("RGB", (strip * columns, row * rows), "white")
    pen = ImageDraw.Draw(page)
    for n, (clip, label) in enumerate(zip(clips, labels, strict=True)):
        x, y = n % columns * strip, n // columns * row
        pen.text((x + 2, y), label[: strip // 6], fill="black")
        for place, frame in enumerate(frames):
            picture = Image.fromarray(clip[frame]).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            page.paste(picture, (x + place * SIDE, y + 13))
    return page


def unpicked(
    count: int, seed: int = 0, *, scenic: bool = False, known: Collection[str] = MOTIONS
) -> tuple[list[Scene], list[str]]:
    """The first `count` scenes of `known` motions that a fixed seed gives, half of them of pairs never trained on, and
    their captions."""
    rng = np.random.default_rng([11, seed])
    scenes, captions = [], []
    for n in range(count):
        drawn = (random_scene(rng, n % 2 == 0, scenic=scenic) for _ in range(1000))
        scenes.append(next(scene for scene in drawn if scene.motion in known))
        captions.append(caption(scenes[-1], rng, TEMPLATES + HELD_OUT_TEMPLATES))
    return scenes, captions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--scenic", action="store_true", help="over scenes, with cameras")
    args = parser.parse_args()
    _, prompts = unpicked(args.count, scenic=args.scenic, known=motions_of(args.model))
    clips = Generator.load(args.model)(prompts, range(args.count), Settings(args.steps, args.guidance))
    sheet(clips, prompts).save(args.output, quality=QUALITY)


if __name__ == "__main__":
    main()

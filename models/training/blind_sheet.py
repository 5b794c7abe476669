"""A sheet without captions, for people to name what they see, beside its control.

The control shows real renders of the same prompts, drawn and sent through the autoencoder: what nobody recognises
there (64 pixels, a toy's camera) the transformer cannot be blamed for. Prompts are a seed's first ones, none left
out. Run `python -m training.blind_sheet --model <folder> --output <folder>`: `generated.png` and `control.png` have
numbered strips, `prompts.txt` is the key.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.captions import Scene
from training.contact_sheet import sheet, unpicked
from training.evaluate import generate, motions_of
from training.evaluate_autoencoder import rebuilt
from training.render import render_clip
from training.sampling import Generator, Settings
from training.sprites import load_sprites


def real_renders(scenes: list[Scene], cache: Path) -> NDArray[np.uint8]:
    """N T H W 3: each scene drawn once."""
    sprites, rng = load_sprites(cache), np.random.default_rng(12)
    return np.stack([render_clip(sprites[s.subject], s.motion, s.background, rng) for s in scenes])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("training-cache"))
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guidance", type=float, default=3.0)
    args = parser.parse_args()
    scenes, captions = unpicked(args.count, args.seed, known=motions_of(args.model))
    generator, numbers = Generator.load(args.model), [str(n + 1) for n in range(args.count)]
    args.output.mkdir(parents=True, exist_ok=True)
    clips = generate(generator, captions, Settings(steps=8, guidance=args.guidance), seed=0)
    sheet(clips, numbers).save(args.output / "generated.png")
    control = rebuilt(generator.pipeline.vae, real_renders(scenes, args.cache))
    sheet(control, numbers).save(args.output / "control.png")
    (args.output / "prompts.txt").write_text("\n".join(captions) + "\n")


if __name__ == "__main__":
    main()

"""Measures clips of two subjects: is each of them there, on whichever side, and does it move as it was told?

Run `python -m training.evaluate_pairs --model <folder>`. Two subjects that were never seen together in training. Each
side of a clip, with the ground around it, goes to the judges of single subjects; how well that works is told by real
renders, and what chance gives by other prompts of the list.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training import figures
from training.canvas import SMALL, Canvas
from training.captions import HELD_OUT_TEMPLATES, TEMPLATES, Scene, caption, random_pair
from training.device import best
from training.emojibase import library_of
from training.evaluate import generate
from training.evaluate_autoencoder import rebuilt
from training.judges import Judges
from training.places import paths_of_two
from training.render import Actor, shot
from training.sampling import Generator, Settings
from training.sprites import Sprite, load_sprites

Clips = NDArray[np.uint8]


def sides(clips: Clips) -> tuple[Clips, Clips]:
    """The left and the right half of B T H W 3 clips, each in the middle of a frame of the clip's own ground."""
    width = clips.shape[3]
    ground = np.median(clips[:, :, 0], axis=2).astype(np.uint8)
    halves = []
    for half in (clips[:, :, :, : width // 2], clips[:, :, :, width // 2 :]):
        page = np.broadcast_to(ground[:, :, None, None], clips.shape).copy()
        page[:, :, :, width // 4 : width // 4 + half.shape[3]] = half
        halves.append(page)
    return halves[0], halves[1]


def scores(judges: Judges, clips: Clips, scenes: Sequence[Scene]) -> dict[str, float]:
    """Shares of clips that show both subjects, one of them at least, and both with their motions."""
    left, right = sides(clips)
    seen = [list(zip(judges.subjects(half), judges.motions(half), strict=True)) for half in (left, right)]
    both, one, moving = [], [], []
    for scene, first, second in zip(scenes, *seen, strict=True):
        asked = [(scene.subject, scene.motion), (scene.other, scene.other_motion)]
        found = [sum(a[0] == b[0] for a, b in zip(asked, order, strict=True)) for order in _orders(first, second)]
        both.append(max(found) == 2)
        one.append(max(found) >= 1)
        moving.append(any(asked == order for order in _orders(first, second)))
    shares = {"both_subjects": both, "one_subject": one, "both_with_motions": moving}
    return {"n": len(scenes), **{name: round(float(np.mean(hits)), 3) for name, hits in shares.items()}}


def _orders(first: tuple[str, str], second: tuple[str, str]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    return [first, second], [second, first]


def rendered(
    sprites: dict[str, Sprite], scenes: Sequence[Scene], rng: np.random.Generator, canvas: Canvas = SMALL
) -> Clips:
    """The real clips of `scenes`, B 17 H W 3."""
    clips = []
    for scene in scenes:
        places, others = paths_of_two((scene.motion, scene.other_motion), 17, rng)
        other = Actor(sprites[scene.other], others)
        one = shot(sprites[scene.subject], places, scene.background, "static", rng, (other,), canvas)
        clips.append(one.frames())
    return np.stack(clips)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("training-cache"))
    parser.add_argument("--work", type=Path, default=Path("training-work"))
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--steps", type=int, default=8)
    args = parser.parse_args()
    judges, generator = Judges.load(args.work / "judges.pt").to(best()), Generator.load(args.model, best())
    library, canvas = library_of(args.model, args.cache), generator.canvas
    rng = np.random.default_rng(61)
    scenes = [random_pair(rng, held_out=True, library=library) for _ in range(args.count)]
    wordings = [HELD_OUT_TEMPLATES if i % 3 == 0 else TEMPLATES for i in range(args.count)]
    prompts = [caption(s, rng, wording, library) for s, wording in zip(scenes, wordings, strict=True)]
    real = rendered(load_sprites(args.cache, canvas, library), scenes, rng, canvas)
    made = generate(generator, prompts, Settings(args.steps), 2000)
    others = [*scenes[1:], scenes[0]]
    values = {
        "real renders": scores(judges, real, scenes),
        "real renders through the autoencoder": scores(judges, rebuilt(generator.pipeline.vae, real), scenes),
        "generated": scores(judges, made, scenes),
        "generated, shuffled prompts": scores(judges, made, others),
    }
    for name, found in values.items():
        print(name, json.dumps(found), flush=True)
    figures.keep(args.work, "pairs", "python -m training.evaluate_pairs", figures.named(args.model), values)


if __name__ == "__main__":
    main()

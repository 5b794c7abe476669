"""Measures how far an exported model follows controls, cameras, scenes and reference pictures, each beside the same
clips without them and beside real renders.

Run `python -m training.evaluate_controls --model <folder>`. Prints a report in Markdown. Subjects and paths are drawn
anew; "without" is the same prompt and seed without the control.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from training import figures
from training.cameras import CAMERAS
from training.captions import SOMETHING, Scene, caption, random_scene
from training.device import best
from training.drawn_controls import camera_flow_of, depth_of, flow_of, layout_of
from training.evaluate import motions_of
from training.evaluate_autoencoder import rebuilt
from training.grounds import PLAIN, SCENES
from training.latents import portrait
from training.places import ANY, MOTIONS, Placement, path, wander
from training.render import Shot, shot
from training.sampling import Generator, Settings
from training.sprites import Sprite, load_sprites, load_unnamed
from training.vae import to_tensor
from vidgen.motion.controls.canny import canny
from vidgen.motion.controls.gray import gray

Clips = NDArray[np.uint8]
BATCH = 20
STEPS = Settings(steps=8)
PATH, AGREEMENT = "distance from the path, pixels", "correlation with the control"
DIFFERENT = 40  # grey levels between the subject and a plain ground


def generate(
    generator: Generator, prompts: Sequence[str], videos: Clips | None, hidden: Clips | None, keep_first: bool
) -> Clips:
    """One clip a prompt, under the control video `hidden` and, when asked for, from the first frame of `videos`."""
    parts = []
    for begin in range(0, len(prompts), BATCH):
        batch = slice(begin, begin + BATCH)
        context = None
        if videos is not None:
            video = to_tensor(videos[batch])
            mask = torch.ones(len(video), *video.shape[2:])
            mask[:, 0] = 0 if keep_first else 1
            context = generator.context(video, mask, None if hidden is None else to_tensor(hidden[batch]))
        seeds = range(1000 + begin, 1000 + begin + len(prompts[batch]))
        parts.append(generator(prompts[batch], seeds, STEPS, context))
    return np.concatenate(parts)


def filmed(
    generator: Generator, sprite: Sprite, places: Sequence[Placement], scene: Scene, rng: np.random.Generator
) -> Shot:
    """A real shot of `sprite`, as large as the model's clips."""
    return shot(sprite, places, scene.background, scene.camera, rng, canvas=generator.canvas)


def centres(clips: Clips) -> NDArray[np.float64]:
    """B T 2 (x, y) of what differs from a plain ground; NaN where nothing does."""
    found = np.full((*clips.shape[:2], 2), np.nan)
    for b, clip in enumerate(clips):
        colour = np.median(np.concatenate([clip[:, 0], clip[:, -1]], axis=1), axis=(0, 1))
        for t, frame in enumerate(clip):
            seen = np.argwhere(np.abs(frame - colour).max(-1) > DIFFERENT)
            if len(seen) > 12:
                found[b, t] = (seen.min(0) + seen.max(0))[::-1] / 2
    return found


def track_error(clips: Clips, shots: Sequence[Shot]) -> float:
    """Median distance of the subject from its path, in 64ths of the frame."""
    canvas = shots[0].canvas
    asked = np.array([[(canvas.at(p.x), canvas.at(p.y)) for p in s.seen] for s in shots])
    return float(np.nanmedian(np.linalg.norm(centres(clips) - asked, axis=-1))) / canvas.scale


def fitted_cameras(clips: Clips) -> NDArray[np.float64]:
    """B 4: pixels right and down, per cent of growth, degrees clockwise, a frame; medians of robust fits."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    y, x = np.mgrid[4:60:3, 4:60:3]
    points = np.stack((x, y), -1).reshape(-1, 2).astype(np.float32)
    fits = []
    for clip in clips:
        steps = []
        pictures = [cv2.cvtColor(cv2.resize(f, (256, 256)), cv2.COLOR_RGB2GRAY) for f in clip]
        for before, after in zip(pictures[:-2:2], pictures[2::2], strict=True):
            moved = cv2.resize(flow.calc(before, after, None), (64, 64), interpolation=cv2.INTER_AREA) / 4
            target = points + moved[points[:, 1].astype(int), points[:, 0].astype(int)]
            matrix, _ = cv2.estimateAffinePartial2D(points - 31.5, target - 31.5, ransacReprojThreshold=0.5)
            if matrix is not None:
                scale, angle = np.hypot(matrix[0, 0], matrix[1, 0]), np.arctan2(matrix[1, 0], matrix[0, 0])
                steps.append((*matrix[:, 2] / 2, 50 * np.log(scale), np.rad2deg(angle) / 2))
        fits.append(np.median(steps, axis=0))
    return np.array(fits)


def named_camera(fit: NDArray[np.float64]) -> str:
    """The camera whose motion is the largest, in units of what the recipe draws."""
    x, y, growth, turn = fit / (1.2, 1.2, 2.2, 2.1)
    seen = {"pan left": x, "pan right": -x, "tilt up": y, "tilt down": -y}
    seen |= {"zoom in": growth, "zoom out": -growth, "roll clockwise": -turn, "roll counterclockwise": turn}
    name = max(seen, key=lambda k: seen[k])
    return name if seen[name] > 0.3 else "static"


def ground_features(clips: Clips) -> NDArray[np.float64]:
    """B n: colours of the outermost pixels, their spread, and how much they change along either side."""
    ring = np.concatenate([clips[:, ::4, :5], clips[:, ::4, -5:]], axis=2).astype(float)
    sides = np.concatenate([clips[:, ::4, :, :5], clips[:, ::4, :, -5:]], axis=3).astype(float)
    return np.concatenate(
        [
            ring.mean((1, 2, 3)),
            ring.std((1, 2, 3)),
            np.abs(np.diff(ring, axis=3)).mean((1, 2, 3, 4))[:, None],
            np.abs(np.diff(sides, axis=2)).mean((1, 2, 3, 4))[:, None],
        ],
        axis=1,
    )


def ground_judge(generator: Generator, cast: dict[str, Sprite]) -> Callable[[Clips], list[str]]:
    """The ground whose real renders, seen through the autoencoder, have the nearest features on average."""
    names = [*PLAIN, *SCENES]
    rng = np.random.default_rng(3)

    def over(ground: str) -> Clips:
        sprite = cast[str(rng.choice(list(cast)))]
        return filmed(generator, sprite, path("still", 9, rng), Scene(SOMETHING, "still", ground), rng).frames()

    clips = np.stack([over(name) for name in names for _ in range(6)])
    seen = ground_features(rebuilt(generator.pipeline.vae, clips)).reshape(len(names), 6, -1)
    middle, spread = seen.mean(1), seen.std(1).mean(0) + 3.0
    return lambda clips: [
        names[i] for i in (((ground_features(clips)[:, None] - middle) / spread) ** 2).sum(-1).argmin(1)
    ]


@dataclass(slots=True)
class Rows:
    """Prints each figure when it is measured, as a row of a Markdown table, and keeps it under its label."""

    values: dict[str, dict[str, float]] = field(default_factory=dict)

    def add(self, label: str, count: int, measure: str, asked: float, without: float | None, real: float) -> None:
        """`asked` is the figure of clips with what is measured, `without` that of the same clips without it."""
        found = {"asked": asked, "without": without, "real": real}
        self.values[label] = {"n": count} | {k: round(v, 3) for k, v in found.items() if v is not None}
        shown = " | ".join("" if v is None else _shown(v, measure) for v in found.values())
        print(f"| {label} | {count} | {measure} | {shown} |", flush=True)


def _shown(value: float, measure: str) -> str:
    if measure == PATH:
        return f"{value:.1f}"
    return f"{value:.2f}" if measure == AGREEMENT else f"{100 * value:.0f} %"


def report_paths(rows: Rows, generator: Generator, cast: dict[str, Sprite], count: int) -> None:
    """Layout tracks, true flow and nearness along paths without a name, over plain grounds."""
    rng = np.random.default_rng(11)
    scenes = [replace(random_scene(rng), motion=ANY) for _ in range(count)]
    shots = [filmed(generator, cast[s.subject], wander(17, rng), s, rng) for s in scenes]
    prompts, clips = [caption(s, rng) for s in scenes], np.stack([s.frames() for s in shots])
    real = track_error(clips, shots)
    for name, draw in (("layout", layout_of), ("flow", flow_of), ("depth", depth_of)):
        hidden = np.stack([draw(s) for s in shots])
        for first in (False, True):
            told = track_error(generate(generator, prompts, clips, hidden, first), shots)
            free = track_error(generate(generator, prompts, clips if first else None, None, first), shots)
            label = f"{name}{', first frame' if first else ''}"
            rows.add(label, count, PATH, told, free, real)


def report_pictures(
    rows: Rows, generator: Generator, cast: dict[str, Sprite], count: int, motions: Sequence[str]
) -> None:
    """Edges and brightness: what the output shows, against what was given."""
    rng = np.random.default_rng(12)
    scenes = [random_scene(rng, scenic=True, motions=motions) for _ in range(count)]
    shots = [filmed(generator, cast[s.subject], path(s.motion, 17, rng), s, rng) for s in scenes]
    prompts, clips = [caption(s, rng) for s in scenes], np.stack([s.frames() for s in shots])
    free = generate(generator, prompts, None, None, False)
    for name, draw in (("canny", canny), ("gray", gray)):
        hidden = np.stack([draw(clip) for clip in clips])

        def agreement(made: Clips, draw: Callable[[Clips], Clips] = draw, hidden: Clips = hidden) -> float:
            pairs = [
                np.corrcoef(*(cv2.GaussianBlur(f[t, ..., 0].astype(float), (0, 0), 1.5).ravel() for f in (draw(m), h)))
                for m, h in zip(made, hidden, strict=True)
                for t in (4, 8, 12)
            ]
            return float(np.nanmean([pair[0, 1] for pair in pairs]))

        told = generate(generator, prompts, clips, hidden, False)
        rows.add(name, count, AGREEMENT, agreement(told), agreement(free), agreement(clips))


def report_cameras(rows: Rows, generator: Generator, cast: dict[str, Sprite], count: int) -> None:
    """Cameras by words, by flow, and by both; over scenes, the subject at rest."""
    rng = np.random.default_rng(13)
    judge = ground_judge(generator, cast)
    names = list(SCENES)
    scenes = [
        Scene(random_scene(rng).subject, "still", names[i % len(names)], CAMERAS[i % len(CAMERAS)])
        for i in range(count)
    ]
    shots = [filmed(generator, cast[s.subject], path("still", 17, rng), s, rng) for s in scenes]
    clips, flows = np.stack([s.frames() for s in shots]), np.stack([camera_flow_of(s) for s in shots])
    silent = [caption(replace(s, camera="static"), rng) for s in scenes]
    told = [caption(s, rng) for s in scenes]

    def right(made: Clips) -> float:
        seen = [named_camera(fit) for fit in fitted_cameras(made)]
        return float(np.mean([s.camera == c for s, c in zip(scenes, seen, strict=True)]))

    def scenery(made: Clips) -> float:
        return float(np.mean([s.background == g for s, g in zip(scenes, judge(made), strict=True)]))

    free, spoken = generate(generator, silent, None, None, False), generate(generator, told, None, None, False)
    rows.add("camera, by words", count, "the right one of nine", right(spoken), right(free), right(clips))
    drawn = generate(generator, silent, clips, flows, False)
    rows.add("camera, by flow", count, "the right one of nine", right(drawn), right(free), right(clips))
    first = generate(generator, silent, clips, flows, True)
    still = generate(generator, silent, clips, None, True)
    rows.add("camera, by flow, first frame", count, "the right one of nine", right(first), right(still), right(clips))
    rows.add("scene, by words", count, "the right one of fourteen", scenery(free), None, scenery(clips))


def report_references(rows: Rows, generator: Generator, others: Sequence[Sprite], count: int) -> None:
    """Pictures of sprites that no caption names: which of all of them does the clip look like?"""
    rng = np.random.default_rng(14)
    chosen = [others[i] for i in rng.permutation(len(others))[:count]]
    scenes = [Scene(SOMETHING, MOTIONS[i % len(MOTIONS)], "white") for i in range(count)]
    shots = [filmed(generator, sprite, path("still", 17, rng), scenes[0], rng) for sprite in chosen]
    looks = np.stack([s.frames()[0] for s in shots])
    prompts = [caption(replace(s, motion="still"), rng) for s in scenes]
    references = to_tensor(np.stack([portrait(s, generator.canvas) for s in chosen])[:, None])[:, :, 0]

    def made(with_reference: bool) -> Clips:
        parts = []
        for begin in range(0, count, BATCH):
            batch = slice(begin, begin + BATCH)
            size = len(prompts[batch])
            blank = torch.zeros(size, 3, 17, generator.side, generator.side)
            context = generator.context(blank, torch.ones_like(blank[:, 0]))
            if with_reference:
                context = generator.referenced(context, references[batch])
            parts.append(generator(prompts[batch], range(begin, begin + size), STEPS, context))
        return np.concatenate(parts)

    def found(clips: Clips) -> float:
        hits = []
        for i, clip in enumerate(clips):
            seen = _colours(clip[8])
            hits.append(int(np.argmin([np.abs(seen - _colours(look)).sum() for look in looks])) == i)
        return float(np.mean(hits))

    real = np.stack([s.frames() for s in shots])
    rows.add("reference picture", count, f"found among {count}", found(made(True)), found(made(False)), found(real))


def _colours(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Shares of 4 x 4 x 4 colours."""
    counts, _ = np.histogramdd(frame.reshape(-1, 3).astype(float), bins=[np.linspace(0, 256, 5)] * 3)
    return np.asarray(counts / counts.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("training-cache"))
    parser.add_argument("--work", type=Path, default=Path("training-work"))
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--motions", nargs="+", choices=MOTIONS, help="all that the model knows when left out")
    args = parser.parse_args()
    generator = Generator.load(args.model, best())
    cast = load_sprites(args.cache, generator.canvas)
    rows = Rows()
    print("| asked for | clips | measure | with it | without it | real renders |")
    print("|---|---|---|---|---|---|")
    report_paths(rows, generator, cast, args.count)
    report_pictures(rows, generator, cast, args.count, args.motions or motions_of(args.model))
    report_cameras(rows, generator, cast, 9 * max(1, round(args.count / 9)))
    report_references(rows, generator, load_unnamed(args.cache, generator.canvas), args.count)
    figures.keep(args.work, "controls", "python -m training.evaluate_controls", figures.named(args.model), rows.values)


if __name__ == "__main__":
    main()

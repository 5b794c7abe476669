"""Measures an exported model against what was asked of it, with controls beside every figure.

Run `python -m training.evaluate --model <folder>`. Prints a report and keeps it beside the judges (figures.py).
The judges are tested on real renders and on real renders sent through the autoencoder first; shuffled prompts are
the control.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training import figures
from training.canvas import Canvas
from training.captions import HELD_OUT_TEMPLATES, TEMPLATES, Scene, caption, random_scene
from training.device import best
from training.emojibase import library_of
from training.evaluate_autoencoder import psnr, rebuilt
from training.export import MOTION_WORDS
from training.image_text import ImageText, load, match
from training.judges import Judges, real_clips
from training.latents import encode, random_mask
from training.places import ALIVE, MOTIONS
from training.render import render_clip
from training.sampling import Generator, Settings, side_of
from training.sprites import Sprite, load_sprites
from training.subjects import COMMON, Library
from training.vae import to_tensor
from vidgen.pipelines.masking import kept_latents
from vidgen_models.registry import SHIPPED_WEIGHTS, VOCABULARY

BATCH = 20
Clips = NDArray[np.uint8]


def generate(generator: Generator, prompts: Sequence[str], settings: Settings, seed: int) -> Clips:
    batches = [range(i, min(i + BATCH, len(prompts))) for i in range(0, len(prompts), BATCH)]
    return np.concatenate([generator([prompts[i] for i in b], [seed + i for i in b], settings) for b in batches])


def drawn(sprites: dict[str, Sprite], scene: Scene, rng: np.random.Generator, generator: Generator) -> Clips:
    """A real clip of `scene`, T H W 3, as large as those of the model."""
    return render_clip(sprites[scene.subject], scene.motion, scene.background, rng, canvas=generator.canvas)


def table_row(judges: Judges, clips: Clips, scenes: Sequence[Scene]) -> dict[str, object]:
    scores = judges.scores(clips, scenes)
    turning = np.array([s.motion in MOTIONS[:4] for s in scenes])
    rates = {k: round(float(v.mean()), 3) for k, v in scores.items()}
    if turning.any():
        rates["directions"] = round(float(scores["motion"][turning].mean()), 3)
    return {"n": len(scenes), **rates}


def by_motion(judges: Judges, clips: Clips, scenes: Sequence[Scene]) -> dict[str, float]:
    hits = judges.scores(clips, scenes)["motion"]
    asked = np.array([s.motion for s in scenes])
    return {m: round(float(hits[asked == m].mean()), 3) for m in MOTIONS if m in asked}


def even_scenes(
    count: int,
    held_out: bool,
    rng: np.random.Generator,
    known: Collection[str] = MOTIONS,
    library: Library = COMMON,
) -> list[Scene]:
    """`count` scenes with every motion equally often that is `known` and may be asked for."""
    motions = [motion for motion in MOTIONS if motion in known and not (held_out and motion == ALIVE)]
    scenes: list[Scene] = []
    while len(scenes) < count:
        scene = random_scene(rng, held_out, library=library)
        if scene.motion == motions[len(scenes) % len(motions)]:
            scenes.append(scene)
    return scenes


def shuffled(scenes: Sequence[Scene]) -> list[Scene]:
    """Other prompts for the same clips: a shift by an odd count, so that hardly any aspect stays."""
    order = np.random.default_rng(1).permutation(len(scenes))
    return [scenes[order[(int(np.where(order == i)[0][0]) + 1) % len(scenes)]] for i in range(len(scenes))]


def motions_of(folder: Path) -> tuple[str, ...]:
    """The motions that the exported model was trained on, as its vocabulary says."""
    words = json.loads((folder / VOCABULARY).read_text())["motions"]
    return tuple(motion for motion in MOTIONS if MOTION_WORDS[motion] in words)


def adherence(
    generator: Generator,
    judges: Judges,
    counts: tuple[int, int],
    settings: Settings,
    known: Collection[str] = MOTIONS,
    text: ImageText | None = None,
    library: Library = COMMON,
) -> Iterator[tuple[str, dict[str, object]]]:
    """By the judges, beside shuffled prompts; with `text` also how well clips and prompts match."""
    rng = np.random.default_rng(21)
    name = f"{settings.steps} steps, guidance {settings.guidance:g}"
    for label, held_out, count in (("held-out pairs", True, counts[0]), ("trained pairs", False, counts[1])):
        scenes = even_scenes(count, held_out, rng, known, library)
        templates = [HELD_OUT_TEMPLATES if i % 3 == 0 else TEMPLATES for i in range(count)]
        prompts = [caption(s, rng, wording, library) for s, wording in zip(scenes, templates, strict=True)]
        if not count:
            continue
        clips = generate(generator, prompts, settings, 1000)
        yield f"{label}, {name}", {**table_row(judges, clips, scenes), "by_motion": by_motion(judges, clips, scenes)}
        yield f"{label}, {name}, shuffled prompts", table_row(judges, clips, shuffled(scenes))
        if text is not None:
            latents = torch.cat([encode(generator.pipeline.vae, part) for part in to_tensor(clips).split(8)])
            yield f"{label}, {name}, image-text", dict(match(text, latents, prompts))


def first_frame_report(
    generator: Generator,
    judges: Judges,
    sprites: dict[str, Sprite],
    count: int,
    settings: Settings,
    known: Collection[str] = MOTIONS,
    library: Library = COMMON,
) -> dict[str, object]:
    """Image-to-video on held-out pairs: is frame 0 the given picture, and does the rest move as asked?"""
    rng = np.random.default_rng(31)
    scenes = even_scenes(count, True, rng, known, library)
    real = np.stack([drawn(sprites, s, rng, generator) for s in scenes])
    video = to_tensor(real)
    mask = torch.ones(video.shape[0], *video.shape[2:])
    mask[:, 0] = 0
    prompts = [caption(s, rng, library=library) for s in scenes]
    clips = np.concatenate(
        [
            generator(
                prompts[i : i + BATCH],
                range(i, min(i + BATCH, count)),
                settings,
                generator.context(video[i : i + BATCH], mask[i : i + BATCH]),
            )
            for i in range(0, count, BATCH)
        ]
    )
    back = rebuilt(generator.pipeline.vae, real[:, :1])
    return {
        **table_row(judges, clips, scenes),
        "frame_0_psnr_to_input": round(psnr(clips[:, 0], real[:, 0]), 2),
        "frame_0_psnr_to_round_trip": round(psnr(clips[:, 0], back[:, 0]), 2),
        "by_motion": by_motion(judges, clips, scenes),
    }


def editing_report(
    generator: Generator,
    judges: Judges,
    sprites: dict[str, Sprite],
    count: int,
    settings: Settings,
    known: Collection[str] = MOTIONS,
    library: Library = COMMON,
) -> dict[str, object]:
    """Video-to-video: another subject is asked for; distance to the source must grow with strength."""
    rng = np.random.default_rng(41)
    scenes = even_scenes(count, False, rng, known, library)
    targets = [Scene(random_scene(rng, library=library).subject, s.motion, s.background) for s in scenes]
    real = np.stack([drawn(sprites, s, rng, generator) for s in scenes])
    start = encode(generator.pipeline.vae, to_tensor(real))
    report: dict[str, object] = {}
    for strength in (0.3, 0.6, 0.9):
        prompts = [caption(s, np.random.default_rng(1), library=library) for s in targets]
        clips = generator(prompts, range(count), settings, start=start, strength=strength)
        row = table_row(judges, clips, targets)
        report[f"strength {strength}"] = {**row, "psnr_to_source": round(psnr(clips, real), 2)}
    return report


def inpainting_report(
    generator: Generator,
    sprites: dict[str, Sprite],
    count: int,
    settings: Settings,
    known: Collection[str] = MOTIONS,
    library: Library = COMMON,
) -> dict[str, object]:
    """Boxes painted anew: outside of them the clip must be the one that was given, as the autoencoder gives it back.

    Asked in three ways: as the service does it, which holds at every step the latents of whose pixels none is made (and
    puts the given pixels over the frames after that, which is not counted here); by the condition alone; and as the
    control without the clip."""
    rng = np.random.default_rng(51)
    scenes = even_scenes(count, False, rng, known, library)
    real = np.stack([drawn(sprites, s, rng, generator) for s in scenes])
    masks = np.stack([random_mask("inpaint", real.shape[1], rng, generator.canvas) for _ in scenes])
    prompts = [caption(s, rng, library=library) for s in scenes]
    context = generator.context(to_tensor(real), torch.from_numpy(masks))
    start, kept = encode(generator.pipeline.vae, to_tensor(real)), kept_latents(torch.from_numpy(masks)[:, None], 0)
    back, outside = rebuilt(generator.pipeline.vae, real), masks == 0
    served = generator(prompts, range(count), settings, context, start=start, kept=kept)
    alone, free = (generator(prompts, range(count), settings, given) for given in (context, None))
    return {
        "n": count,
        "outside_psnr_to_input": round(psnr(served[outside], real[outside]), 2),
        "outside_psnr_to_round_trip": round(psnr(served[outside], back[outside]), 2),
        "outside_psnr_by_the_condition_alone": round(psnr(alone[outside], back[outside]), 2),
        "outside_psnr_without_the_clip": round(psnr(free[outside], back[outside]), 2),
    }


def cost_report(folder: Path, settings: Settings) -> dict[str, object]:
    """Seconds by the clock that one clip takes on the CPU, from `folder` and once loaded; megabytes of the model and
    of all that is shipped."""
    begin = time.monotonic()
    once = Generator.load(folder)
    once(["a cat moves left on a blue background"], [0], settings)
    loaded = time.monotonic() - begin
    begin = time.monotonic()
    once(["a cat moves left on a blue background"], [0], settings)
    bytes_of = {
        "model_mb": sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()),
        "shipped_mb": sum(f.stat().st_size for f in SHIPPED_WEIGHTS.rglob("*") if f.is_file()),
    }
    return {
        "seconds_from_disk": round(loaded, 2),
        "seconds": round(time.monotonic() - begin, 2),
        **{name: round(size / 1e6, 1) for name, size in bytes_of.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("training-cache"))
    parser.add_argument("--work", type=Path, default=Path("training-work"))
    parser.add_argument("--held-out", type=int, default=200)
    parser.add_argument("--trained", type=int, default=80)
    parser.add_argument("--steps", type=int, nargs="+", default=[8, 30], help="the first is what is asked of all else")
    parser.add_argument("--guidance", type=float, nargs="+", default=[3.0])
    parser.add_argument("--motions", nargs="+", choices=MOTIONS, default=MOTIONS, help="those that the model knows")
    parser.add_argument("--only-text", action="store_true")
    args = parser.parse_args()
    library = library_of(args.model, args.cache)
    sprites, judges, generator = (
        load_sprites(args.cache, Canvas(side_of(args.model)), library),
        Judges.load(args.work / "judges.pt").to(best()),
        Generator.load(args.model, best()),
    )
    known = [motion for motion in motions_of(args.model) if motion in judges.known and motion in args.motions]
    text = load(args.work, library) if (args.work / "image-text.pt").exists() else None
    report: dict[str, object] = {}

    def note(key: str, value: object) -> None:
        report[key] = value
        print(key, json.dumps(value), flush=True)

    if not args.only_text:
        clips, scenes = real_clips(sprites, 160, np.random.default_rng(77), known, generator.canvas, library)
        note("real renders", table_row(judges, clips, scenes))
        note("real renders through the autoencoder", table_row(judges, rebuilt(generator.pipeline.vae, clips), scenes))
    for guidance in args.guidance:
        for steps in args.steps:
            for key, value in adherence(
                generator, judges, (args.held_out, args.trained), Settings(steps, guidance), known, text, library
            ):
                note(key, value)
    if not args.only_text:
        asked = Settings(args.steps[0], args.guidance[0])
        note("image to video", first_frame_report(generator, judges, sprites, 40, asked, known, library))
        note("video to video", editing_report(generator, judges, sprites, 16, asked, known, library))
        note("inpainting", inpainting_report(generator, sprites, 32, asked, known, library))
        note("cost", cost_report(args.model, asked))
        figures.keep(args.work, "video", "python -m training.evaluate", figures.named(args.model), report)


if __name__ == "__main__":
    main()

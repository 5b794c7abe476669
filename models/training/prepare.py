"""Says what a preset will cost, and fetches, unpacks and decodes all that it draws from. The first stage of a training.

Later stages would do the same for themselves where this was left out; here animations are decoded in several processes.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from training.device import NoDevice
from training.presets import Preset
from training.sources import film_file, sprite_folder
from training.sprites import ANIMATION_SIDE, POSES, keep_animation
from training.stage import Stage, options
from training.textures import EXCERPT_HEIGHT, FILM_FRAMES, FILM_SHOTS, STILL_HEIGHT, STILLS, film_excerpts, film_stills

DOWNLOADS, UNPACKED = 0.9, 1.5  # GB of all packages, as archives and as folders
ANIMATED = 230  # subjects with a motion of their own, at most


def minutes(preset: Preset) -> dict[str, float]:
    """Of each stage by the clock. Those of `estimated` stages are as long as they take; the others end by the clock."""
    vae, student = preset.vae, preset.distillation
    return {
        "packages and pictures": preset.preparation_minutes,
        "autoencoder": vae.image_minutes + vae.video_minutes + vae.long_minutes,
        "judges": preset.judges_minutes,
        "latents": preset.latents.minutes,
        "transformer": preset.transformer.minutes,
        "decoder": vae.decoder_minutes,
        "export and words": preset.export_minutes,
        "distillation": student.guidance_minutes + student.steps_minutes,
    }


def gigabytes(preset: Preset) -> dict[str, float]:
    """What lies on the disk in the end, roughly."""
    scale = (preset.side / 64) ** 2
    pictures = POSES * ANIMATION_SIDE**2 * 4 * (ANIMATED if preset.subjects else 104)
    film = 3 * 16 / 9 * (FILM_SHOTS * FILM_FRAMES * EXCERPT_HEIGHT**2 + STILLS * STILL_HEIGHT**2)
    return {
        "packages": DOWNLOADS + UNPACKED,
        "pictures": scale * (pictures + film) / 1e9,
        "latents": scale * preset.latents.clips * 35e3 / 1e9,
    }


def cost(preset: Preset) -> str:
    """All of it in a few lines."""
    stages, space = minutes(preset), gigabytes(preset)
    where = "on one GPU (an estimate: it was never run on one)" if preset.device == "cuda" else "on two CPU cores"
    lines = [f"PRESET={preset.name}: {sum(stages.values()):.0f} minutes {where}, {preset.side} pixels"]
    lines += [f"  {name}: {spent:g}" for name, spent in stages.items()]
    parts = ", ".join(f"{name} {size:.1f}" for name, size in space.items())
    return "\n".join([*lines, f"  downloads: {DOWNLOADS} GB, once; disk: {sum(space.values()):.0f} GB ({parts})"])


def prepare(stage: Stage, processes: int) -> None:
    sprite_folder(stage.cache)
    moving = [subject.codepoint for subject in stage.library.subjects if subject.animated]
    print(f"{len(stage.library)} subjects, {len(moving)} of them with a motion of their own", flush=True)
    keep = partial(keep_animation, stage.cache, canvas=stage.canvas)
    if processes == 1:
        list(map(keep, moving))
    else:
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            list(pool.map(keep, moving))
    if (film := film_file(stage.cache)) is not None:
        film_excerpts(film, canvas=stage.canvas)
        film_stills(film, canvas=stage.canvas)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--processes", type=int, default=1)
    args = parser.parse_args()
    try:
        stage = Stage.of(args)
    except NoDevice as missing:
        raise SystemExit(str(missing)) from None
    print(cost(stage.preset), flush=True)
    prepare(stage, args.processes)


if __name__ == "__main__":
    main()

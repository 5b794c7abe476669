"""Renders clips and encodes them once, with everything the conditioned tasks need, into shards of half-precision
arrays.

The VACE context is built exactly as diffusers' WanVACEPipeline does it (`prepare_video_latents`, `prepare_masks`):
what is kept and what is hidden are encoded apart, the mask is folded 8 x 8 into channels and thinned in time; a control
video lies where hidden things lie, and a reference picture is a latent frame before the clip. One task is our own:
"continue" cuts a window out of the middle of a longer clip's latents and gives its first latent frames as they are,
which is how the next piece of a long clip is made. Run `python -m training.latents --processes 2`. Shards that exist
already are left, so that it goes on where it was stopped.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from numpy.typing import NDArray
from torch import Tensor

from training import device as devices
from training import vae_forward
from training.canvas import SMALL, UNITS, Canvas
from training.captions import SOMETHING, Scene, random_pair, random_scene
from training.drawn_controls import CONTROLS
from training.grounds import FILM, ground
from training.grounds import SIDE as GROUND_SIDE
from training.parallel import Workers, launch
from training.places import ANY, CENTRE, MOTIONS, Placement, chained_path, path, paths_of_two, wander
from training.render import Actor, Shot, draw, render_clip, shot
from training.sources import film_file
from training.sprites import Sprite, load_sprites, load_unnamed
from training.stage import Stage, options
from training.subjects import COMMON, Library
from training.textures import film_ground, film_stills
from training.vae import PARTS, Z_DIM, build, to_tensor

SHARD = 96
MEASURED = 96  # clips whose latents tell mean and std
AT_ONCE = {"cpu": 8, "cuda": 32}  # clips that are encoded together
LONG_FRAMES, SHORT_FRAMES = 25, 17
WORDS_ALONE = ("text", "scene", "pair")
WINDOW_START, WINDOW = 2, 5  # latent frames of a "continue" clip: what goes before it, and how long it is
SCENIC = 0.5  # share of conditioned clips that may be over a scene
WANDERING, UNTOLD = 0.4, 0.3  # shares of control clips whose path has no name, or whose caption does not tell it
OUTPAINTED, MOVED = 0.3, 0.35  # shares of inpainting masks
REFERENCE_SIDE = 52.0  # of a sprite in its reference picture, in units


def load_vae(stage: Stage) -> AutoencoderKLWan:
    """The autoencoder of the newest part (the decoder's own is last), for evaluation; mean and std in its config."""
    vae = build(stage.preset.vae).eval().requires_grad_(False)
    trained = [stage.work / f"vae-{part}.pt" for part in ("decoder", *reversed(PARTS))]
    state = torch.load(next(path for path in trained if path.exists()), weights_only=True, map_location="cpu")
    vae.load_state_dict(state["model"])
    statistics = stage.work / "latent-statistics.pt"
    if statistics.exists():
        mean, std = torch.load(statistics, weights_only=True)
        vae.register_to_config(latents_mean=mean.tolist(), latents_std=std.tolist())
    return vae.to(stage.device)


def statistics_of(vae: AutoencoderKLWan) -> tuple[Tensor, Tensor]:
    """Mean and std of its latents' channels, 1 16 1 1 1, where it is."""
    mean, std = (torch.tensor(x, device=vae.device) for x in (vae.config.latents_mean, vae.config.latents_std))
    return mean.view(1, -1, 1, 1, 1), std.view(1, -1, 1, 1, 1)


@torch.no_grad()
def encode(vae: AutoencoderKLWan, video: Tensor) -> Tensor:
    """Most likely latents of `video` (B 3 T H W in [-1, 1]), normalised by the config's mean and std."""
    mean, std = statistics_of(vae)
    return (vae_forward.encode(vae, video.to(vae.device))[:, :Z_DIM].float() - mean) / std


@torch.no_grad()
def decode(vae: AutoencoderKLWan, latents: Tensor) -> Tensor:
    """Pixels in [-1, 1] of normalised `latents`."""
    mean, std = statistics_of(vae)
    return vae_forward.decode(vae, latents * std + mean).clamp(-1, 1)


def fold_mask(mask: Tensor) -> Tensor:
    """B T H W (1 where the model paints) to B 64 t H/8 W/8, as the pipeline folds it."""
    batch, frames, height, width = mask.shape
    blocks = mask.view(batch, frames, height // 8, 8, width // 8, 8).permute(0, 3, 5, 1, 2, 4).flatten(1, 2)
    return F.interpolate(blocks, size=((frames + 3) // 4, height // 8, width // 8), mode="nearest-exact")


def random_mask(task: str, frames: int, rng: np.random.Generator, canvas: Canvas = SMALL) -> NDArray[np.float32]:
    """T H W mask of a task: 0 where the picture is given, 1 where the model paints."""
    mask = np.ones((frames, canvas.side, canvas.side), np.float32)
    if task == "first" or (task == "control" and rng.uniform() < 0.5):
        mask[0] = 0
    elif task == "extend":
        mask[:5] = 0
    elif task == "ends":
        mask[[-1] if rng.uniform() < 0.3 else [0, -1]] = 0
    elif task == "inpaint":
        mask = _moving_box(frames, rng, canvas)
        if rng.uniform() < OUTPAINTED:
            mask = 1 - mask
    return mask


def _moving_box(frames: int, rng: np.random.Generator, canvas: Canvas) -> NDArray[np.float32]:
    """1 in a random box, which for a third of the clips goes along a straight line."""
    mask = np.zeros((frames, canvas.side, canvas.side), np.float32)
    width, height = rng.integers(24, 49, 2)
    room = (UNITS - width + 1, UNITS - height + 1)
    first = rng.integers(0, room)
    last = rng.integers(0, room) if rng.uniform() < MOVED else first
    width, height = canvas.pixels(width), canvas.pixels(height)
    corners = np.linspace(first, last, frames) * canvas.scale
    for frame, (x, y) in zip(mask, corners.round().astype(int), strict=True):
        frame[y : y + height, x : x + width] = 1
    return mask


@dataclass(frozen=True, slots=True)
class Example:
    """`hidden` lies under the mask; `given` is the number of latent frames that a "continue" clip is handed, at its
    start and at its end; `reference` is a picture of the subject."""

    scene: Scene
    clip: NDArray[np.uint8]
    hidden: NDArray[np.uint8]
    mask: NDArray[np.float32]
    given: tuple[int, int] = (0, 0)
    reference: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class Cast:
    """The sprites that captions name, and others; stills of the film, where it could be fetched."""

    named: dict[str, Sprite]
    unnamed: list[Sprite]
    stills: NDArray[np.uint8] | None = None
    canvas: Canvas = SMALL
    library: Library = COMMON

    @classmethod
    def load(cls, stage: Stage) -> Cast:
        film, canvas = film_file(stage.cache), stage.canvas
        stills = None if film is None else film_stills(film, canvas=canvas)
        named = load_sprites(stage.cache, canvas, stage.library)
        return cls(named, load_unnamed(stage.cache, canvas, stage.library), stills, canvas, stage.library)

    def behind(self, background: str, rng: np.random.Generator) -> NDArray[np.float32]:
        """The ground of that name, as it lies behind a subject."""
        if background == FILM and self.stills is not None:
            return film_ground(self.stills, self.canvas.pixels(GROUND_SIDE), rng)
        return ground(background, rng, self.canvas)

    def random(self, scene: Scene, rng: np.random.Generator) -> Sprite:
        """The scene's subject; any at all where its caption does not tell it."""
        if scene.subject != SOMETHING:
            return self.named[scene.subject]
        return self.unnamed[rng.integers(len(self.unnamed))]


def random_example(
    cast: Cast, task: str, frames: int, rng: np.random.Generator, motions: Sequence[str] = MOTIONS
) -> Example:
    """A training scene with a mask; under the mask lies neutral grey, the control, or for half the inpaintings another
    subject.

    Text-to-video clips begin where their motion has room. The others begin anywhere, for half of them in the middle
    of another motion.
    """
    if task == "pair":
        return _pair(cast, frames, rng)
    scenic = task in ("scene", "control") or (task != "text" and rng.uniform() < SCENIC)
    scene = random_scene(rng, scenic=scenic, film=cast.stills is not None, motions=motions, library=cast.library)
    if task == "reference" and rng.uniform() < 0.6:
        scene = replace(scene, subject=SOMETHING)
    given = (int(rng.integers(1, 4)), int(rng.uniform() < 0.2)) if task == "continue" else (0, 0)
    places, scene = random_places(scene, task, frames, given, rng)
    sprite, behind = cast.random(scene, rng), cast.behind(scene.background, rng)
    drawn = shot(sprite, places, behind, scene.camera, rng, canvas=cast.canvas)
    clip = drawn.frames()
    return Example(
        scene,
        clip,
        _hidden(cast, task, drawn, rng, clip),
        random_mask(task, frames, rng, cast.canvas),
        given,
        portrait(drawn.sprite, cast.canvas) if task == "reference" else None,
    )


def _pair(cast: Cast, frames: int, rng: np.random.Generator) -> Example:
    """Two subjects, told by words alone."""
    scene = random_pair(rng, library=cast.library)
    places, others = paths_of_two((scene.motion, scene.other_motion), frames, rng)
    other = Actor(cast.named[scene.other], others)
    first = cast.named[scene.subject]
    clip = shot(first, places, scene.background, "static", rng, (other,), cast.canvas).frames()
    return Example(scene, clip, clip, random_mask("pair", frames, rng, cast.canvas))


def random_places(
    scene: Scene, task: str, frames: int, given: tuple[int, int], rng: np.random.Generator
) -> tuple[list[Placement], Scene]:
    """Where the subject goes, and the scene as its caption tells it: controls may lead along paths without a name."""
    if task == "control" and rng.uniform() < WANDERING:
        return wander(frames, rng), replace(scene, motion=ANY)
    seen = {"continue": 4 * (WINDOW_START + given[0] - 1) + 1, "extend": 5}.get(task, 1)
    chained = task == "continue" or (task not in (*WORDS_ALONE, "reference") and rng.uniform() < 0.5)
    places = chained_path(scene.motion, frames, seen, rng) if chained else path(scene.motion, frames, rng)
    untold = task == "control" and rng.uniform() < UNTOLD
    return places, replace(scene, motion=ANY) if untold else scene


def _hidden(cast: Cast, task: str, drawn: Shot, rng: np.random.Generator, clip: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if task == "control":
        kinds = list(CONTROLS)
        kind = str(rng.choice(kinds, p=[CONTROLS[kind][0] for kind in kinds]))
        return CONTROLS[kind][1](drawn)
    if task == "inpaint" and rng.uniform() < 0.5:
        other = random_scene(rng, None, library=cast.library)
        places = path(other.motion, len(clip), rng)
        return shot(cast.named[other.subject], places, drawn.ground, "static", rng, canvas=cast.canvas).frames()
    return np.full_like(clip, 128)


def portrait(sprite: Sprite, canvas: Canvas = SMALL) -> NDArray[np.uint8]:
    """The sprite alone on white, H W 3."""
    white = np.ones((canvas.side, canvas.side, 3), np.float32)
    picture = draw(white, sprite, Placement(CENTRE, CENTRE, REFERENCE_SIDE))
    return (picture * 255 + 0.5).clip(0, 255).astype(np.uint8)


def encode_fast(vae: AutoencoderKLWan, video: Tensor) -> Tensor:
    """`encode` in bf16, a few clips at a time: its rounding is far below the posterior's own noise."""
    parts = video.split(AT_ONCE[video.device.type])
    return torch.cat([encode(vae, p.bfloat16().contiguous(memory_format=torch.channels_last_3d)) for p in parts])


def make_shard(
    vae: AutoencoderKLWan,
    cast: Cast,
    task: str,
    frames: int,
    rng: np.random.Generator,
    motions: Sequence[str] = MOTIONS,
) -> dict[str, object]:
    examples = [random_example(cast, task, frames, rng, motions) for _ in range(SHARD)]
    video = to_tensor(np.stack([e.clip for e in examples]), vae.device)
    latents = encode_fast(vae, video).half()
    shard: dict[str, object] = {
        "scenes": [astuple(e.scene) for e in examples],
        "task": task,
        "latents": latents.clone(),
    }
    if task in WORDS_ALONE:
        return shard
    grey = encode(vae, torch.zeros_like(video[:1])).half()
    if task == "continue":
        return shard | continuation(latents, grey, [e.given for e in examples])
    if task == "reference":
        return shard | referenced(vae, latents, grey, examples)
    mask = torch.from_numpy(np.stack([e.mask for e in examples])).to(vae.device)
    reactive = None
    if task in ("inpaint", "control"):
        hidden = to_tensor(np.stack([e.hidden for e in examples]), vae.device)
        if task == "inpaint":
            hidden = torch.where(hidden.abs() < 0.01, 0.0, hidden)
        reactive = encode_fast(vae, hidden * mask[:, None]).half().clone()
    inactive = encode_fast(vae, video * (1 - mask[:, None])).half().clone()
    return shard | {
        "inactive": inactive,
        "reactive": reactive,
        "mask": fold_mask(mask).to(torch.uint8).clone(),
        "grey": grey.clone(),
    }


def referenced(vae: AutoencoderKLWan, latents: Tensor, grey: Tensor, examples: list[Example]) -> dict[str, object]:
    """A latent frame of the reference before the clip's own, as the pipeline puts it: given, with nothing under it."""
    portraits = encode_fast(vae, to_tensor(np.stack([e.reference for e in examples])[:, None], vae.device)).half()
    nothing = torch.zeros_like(portraits)
    greys = grey.expand_as(latents)
    shape = (len(examples), 64, latents.shape[2] + 1, *latents.shape[3:])
    mask = torch.ones(shape, dtype=torch.uint8, device=latents.device)
    mask[:, :, 0] = 0
    return {
        "latents": torch.cat([portraits, latents], dim=2),
        "inactive": torch.cat([portraits, greys], dim=2),
        "reactive": torch.cat([nothing, greys], dim=2),
        "mask": mask,
        "grey": torch.cat([nothing[:1], grey], dim=2),
    }


def continuation(latents: Tensor, grey: Tensor, given: list[tuple[int, int]]) -> dict[str, object]:
    """The window, and as its context the latents that are given, with grey's latents where the model paints."""
    window = slice(WINDOW_START, WINDOW_START + WINDOW)
    latents, grey = latents[:, :, window].clone(), grey[:, :, window].clone()
    mask = torch.ones(len(given), 64, *latents.shape[2:], dtype=torch.uint8, device=latents.device)
    for row, (head, tail) in enumerate(given):
        mask[row, :, :head] = 0
        mask[row, :, WINDOW - tail :] = 0
    inactive = torch.where(mask[:, :1] == 0, latents, grey)
    return {"latents": latents, "inactive": inactive, "reactive": None, "mask": mask, "grey": grey}


def measure_statistics(stage: Stage) -> None:
    """Mean and std of each latent channel over rendered clips, kept beside the checkpoints."""
    vae, sprites = load_vae(stage), load_sprites(stage.cache, stage.canvas, stage.library)
    rng = np.random.default_rng(7)
    clips = []
    for _ in range(MEASURED):
        scene = random_scene(rng, library=stage.library)
        clips.append(render_clip(sprites[scene.subject], scene.motion, scene.background, rng, canvas=stage.canvas))
    with torch.no_grad():
        video = to_tensor(np.stack(clips), vae.device)
        parts = [vae_forward.encode(vae, part)[:, :Z_DIM] for part in video.split(8)]
    latents = torch.cat(parts).cpu()
    torch.save((latents.mean((0, 2, 3, 4)), latents.std((0, 2, 3, 4))), stage.work / "latent-statistics.pt")


SHARES = {
    "text": 0.24,
    "scene": 0.18,
    "pair": 0.08,
    "first": 0.13,
    "continue": 0.1,
    "control": 0.19,
    "reference": 0.05,
    "inpaint": 0.05,
    "extend": 0.03,
    "ends": 0.03,
}
"""Of a task's clips among all; they mirror how often training draws them."""


def plan(clips: int, long_share: float, tasks: Collection[str] = SHARES) -> list[tuple[str, int]]:
    """(task, frames) of every shard."""
    total = sum(SHARES[task] for task in tasks)
    shards = [task for task in SHARES if task in tasks for _ in range(round(clips * SHARES[task] / total / SHARD))]
    order = np.random.default_rng(0).permutation(len(shards))
    # long shards spread evenly, so that a run stopped early still holds its share of them
    lengths = [LONG_FRAMES if n % 20 < 20 * long_share else SHORT_FRAMES for n in range(len(shards))]
    return [
        (shards[i], LONG_FRAMES if shards[i] == "continue" else length)
        for i, length in zip(order, lengths, strict=True)
    ]


def encode_all(workers: Workers, stage: Stage, shards: Sequence[tuple[str, int]], motions: Sequence[str]) -> None:
    """This process's share of `shards` (task and frames); those that lie there already are left."""
    devices.prepare(stage.device)
    cast, vae = Cast.load(stage), load_vae(stage)
    folder, begin = stage.work / "latents", time.monotonic()
    vae_forward.use_fused_kernels(stage.device)
    mine = list(enumerate(shards))[workers.rank :: workers.count]
    for done, (number, (task, frames)) in enumerate(mine):
        target = folder / f"{number:04d}.pt"
        if target.exists():
            continue
        shard = make_shard(vae, cast, task, frames, np.random.default_rng([1, number]), motions)
        torch.save(_on_cpu(shard), target.with_suffix(".tmp"))
        target.with_suffix(".tmp").rename(target)
        print(f"{done + 1} of {len(mine)}: {time.monotonic() - begin:.0f} s", flush=True)


def _on_cpu(shard: dict[str, object]) -> dict[str, object]:
    return {name: value.cpu() if isinstance(value, Tensor) else value for name, value in shard.items()}


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--clips", type=int)
    parser.add_argument("--tasks", nargs="+", choices=SHARES, default=list(SHARES), help="all when left out")
    parser.add_argument("--motions", nargs="+", choices=MOTIONS, default=MOTIONS, help="of single subjects")
    parser.add_argument("--processes", type=int, default=1)
    args = parser.parse_args()
    stage = Stage.of(args)
    preset = stage.preset.latents
    (stage.work / "latents").mkdir(parents=True, exist_ok=True)
    if not (stage.work / "latent-statistics.pt").exists():
        measure_statistics(stage)
    shards = plan(args.clips or preset.clips, preset.long_share, args.tasks)
    launch(partial(encode_all, stage=stage, shards=shards, motions=args.motions), args.processes)


if __name__ == "__main__":
    main()

"""Trains the autoencoder's decoder on, once the transformer stands: on real latents and on the transformer's guesses.

What the transformer makes is never quite a latent of a real clip, and a decoder that saw only real ones answers with
blotches. Here half of the clips are noised, guessed back by the transformer in one step, and decoded against the real
pixels. The encoder stays as it is, so no latent and no transformer has to be made anew. Run `python -m
training.decoder`; it resumes from `vae-decoder.pt`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from diffusers import AutoencoderKLWan
from numpy.typing import NDArray
from torch import Tensor, nn

from training import device as devices
from training import vae_forward
from training.ahead import batches
from training.captions import Scene, caption, random_scene
from training.checkpoints import Clock, Every, restore, save
from training.device import half_precision
from training.latents import encode_fast, load_vae, statistics_of
from training.networks import base_view, embed_text, use_plain_attention
from training.optimiser import for_module
from training.parallel import Workers, launch
from training.places import chained_path, path
from training.render import shot
from training.sprites import Sprite, load_sprites
from training.stage import Stage, options
from training.subjects import COMMON, Library
from training.textures import Textures
from training.tokenizer import build_tokenizer
from training.transformer import average_weights, build
from training.vae import load_textures, preview, reconstruction_loss, to_tensor

FRAMES = 17
GUESSED, GUESS_SIGMA = 0.6, (0.05, 0.5)
TEXTURE_SHARE = 0.12


def random_clips(
    sprites: dict[str, Sprite],
    textures: Textures,
    count: int,
    rng: np.random.Generator,
    library: Library = COMMON,
) -> tuple[NDArray[np.uint8], list[Scene | None]]:
    """B T H W 3 and what each clip shows; None for film and patterns. Spins come up most often."""
    clips, scenes = [], list[Scene | None]()
    for _ in range(count):
        if rng.uniform() < TEXTURE_SHARE:
            clips.append(textures.sample(rng, FRAMES))
            scenes.append(None)
            continue
        scene = random_scene(rng, scenic=True, library=library)
        if rng.uniform() < 0.2:
            scene = replace(scene, motion="spin")
        chained = rng.uniform() < 0.3
        places = chained_path(scene.motion, FRAMES, 1, rng) if chained else path(scene.motion, FRAMES, rng)
        clips.append(
            shot(sprites[scene.subject], places, scene.background, scene.camera, rng, canvas=textures.canvas).frames()
        )
        scenes.append(scene)
    return np.stack(clips), scenes


@dataclass(frozen=True, slots=True)
class Drawn:
    """Batches of `size` clips and what they show."""

    stage: Stage
    size: int

    def load(self) -> Callable[[np.random.Generator], tuple[NDArray[np.uint8], list[Scene | None]]]:
        stage = self.stage
        sprites, textures = load_sprites(stage.cache, stage.canvas, stage.library), load_textures(stage)
        return lambda rng: random_clips(sprites, textures, self.size, rng, stage.library)


class Guesser:
    """The trained transformer's one-step estimate of clean latents."""

    def __init__(self, stage: Stage) -> None:
        self.tokenizer, self.library = build_tokenizer(stage.library), stage.library
        self.model: nn.ModuleDict = build(stage.preset, self.tokenizer, stage.device).eval().requires_grad_(False)
        average_weights(self.model, stage.work)
        use_plain_attention(self.model["transformer"])
        self.base = base_view(self.model["transformer"])

    @torch.no_grad()
    def __call__(self, latents: Tensor, scenes: list[Scene | None], rng: np.random.Generator) -> Tensor:
        """B 16 t h w: `latents`, most of them noised to a random sigma and guessed back."""
        chosen = [scene is not None and rng.uniform() < GUESSED for scene in scenes]
        sigma = torch.from_numpy(rng.uniform(*GUESS_SIGMA, len(scenes)) * chosen).float().to(latents.device)
        scale = sigma.view(-1, 1, 1, 1, 1)
        noisy = (1 - scale) * latents + scale * torch.randn_like(latents)
        prompts = ["" if scene is None else caption(scene, rng, library=self.library) for scene in scenes]
        with half_precision(latents.device):
            text = embed_text(self.tokenizer, self.model["text"], prompts)
            velocity = self.base(noisy, sigma * 1000, text, return_dict=False)[0]
        return noisy - scale * velocity.float()


def trainable(vae: AutoencoderKLWan) -> nn.ModuleList:
    return nn.ModuleList([vae.post_quant_conv, vae.decoder]).requires_grad_(True)


def train(workers: Workers, stage: Stage, minutes: float, batch: int, learning_rate: float, drawers: int = 0) -> None:
    clock, work = Clock(budget=minutes * 60), stage.work
    devices.prepare(stage.device)
    vae = load_vae(stage)
    decoder = trainable(vae)
    optimiser = for_module(decoder, learning_rate, other_ratio=0.1)
    restore(work / "vae-decoder.pt", clock, vae, optimiser)
    torch.manual_seed(1000 * clock.step + workers.rank)
    rng = np.random.default_rng([5, workers.rank, clock.step])
    drawn, guess = batches(Drawn(stage, batch), (9, workers.rank, clock.step), drawers), Guesser(stage)
    vae_forward.use_fused_kernels(stage.device)
    mean, std = statistics_of(vae)
    if workers.leads:
        print(f"{minutes} minutes, {workers.count} x {batch} clips a step, from step {clock.step}", flush=True)
    due = Every(90)
    while clock.progress < 1:
        with clock.counting():
            for group in optimiser.param_groups:
                group["lr"] = learning_rate * clock.cosine(warmup=30, floor=0.01)
            clips, scenes = next(drawn)
            target = to_tensor(clips, stage.device)
            latents = guess(encode_fast(vae, target), scenes, rng) * std + mean
            output = vae_forward.decode(vae, latents.bfloat16()).float()
            loss, parts = reconstruction_loss(output, target)
            loss.backward()
            workers.average(decoder.parameters())
            nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        clock.spent = workers.agree(clock.spent)
        if workers.leads and clock.step % 25 == 0:
            shown = " ".join(f"{k} {v:.4f}" for k, v in parts.items())
            print(f"{clock.step} {clock.spent / 60:.2f} min {shown}", flush=True)
        if workers.leads and (due() or clock.progress >= 1):
            save(work / "vae-decoder.pt", clock, vae, optimiser)
            preview(target, output.detach(), work / "vae-decoder.png")


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--processes", type=int, default=1)
    args = parser.parse_args()
    stage = Stage.of(args)
    sizes = stage.preset.vae
    trainers, drawers = devices.shared_out(stage.device, args.processes)
    run = partial(
        train,
        stage=stage,
        minutes=args.minutes or sizes.decoder_minutes,
        batch=max(1, sizes.video_batch // 2),
        learning_rate=args.learning_rate,
        drawers=drawers,
    )
    launch(run, trainers)


if __name__ == "__main__":
    main()

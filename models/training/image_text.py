"""A small network that says how well a clip and a prompt go together, over the vocabulary of the sprites alone: an
in-house stand-in for CLIP, for evaluation, and no judge of anything else.

Two towers give vectors of length 1 (Radford et al., 2021, arXiv:2103.00020): one looks at the autoencoder's latents of
a clip, the other reads its caption. Trained on encoded clips (latents.py) with their captions; every clip of a batch is
to find its own caption among the others. Run `python -m training.image_text`; it resumes from `image-text.pt`, and in
the end tells how often real renders it has not seen find their captions, beside captions that were shuffled.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import T5Tokenizer

from training.canvas import UNITS
from training.captions import HELD_OUT_TEMPLATES, Scene, caption, random_scene
from training.checkpoints import Clock, Every, restore, save
from training.device import half_precision
from training.latents import encode, load_vae
from training.optimiser import for_module
from training.render import render_clip
from training.sprites import load_sprites
from training.stage import Stage, options
from training.subjects import COMMON, Library
from training.tokenizer import MAX_LENGTH, build_tokenizer
from training.transformer import LatentSet
from training.vae import to_tensor

WIDTH, WORD_WIDTH, FRAMES = 128, 96, 5  # of both towers' vectors, of a word's; latent frames that are looked at
TASKS = ("text", "scene", "first", "inpaint", "extend")
"""Whose captions tell all that is seen."""
CANDIDATES = 20
Clips = NDArray[np.uint8]


class ImageText(nn.Module):
    """`look` and `read` give B WIDTH; their products, times the learned sharpness, are logits. `motions` are those
    that its clips showed."""

    def __init__(self, tokenizer: T5Tokenizer, motions: Collection[str], side: int = UNITS) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.tokenizer, self.motions = tokenizer, sorted(motions)
        self.eye = nn.Sequential(
            nn.Conv2d(16 * FRAMES, 160, 3, padding=1),
            nn.GroupNorm(8, 160),
            nn.SiLU(),
            nn.Conv2d(160, 192, 3, stride=2, padding=1),
            nn.GroupNorm(8, 192),
            nn.SiLU(),
            nn.Conv2d(192, 192, 3, stride=2, padding=1),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(192 * (side // 32) ** 2, WIDTH),
        )
        self.words = nn.Embedding(len(tokenizer), WORD_WIDTH)
        self.places = nn.Parameter(torch.randn(MAX_LENGTH, WORD_WIDTH) * 0.02)
        self.reader = nn.TransformerEncoderLayer(WORD_WIDTH, 4, 2 * WORD_WIDTH, 0.0, batch_first=True, norm_first=True)
        self.said = nn.Linear(WORD_WIDTH, WIDTH)
        self.sharpness = nn.Parameter(torch.tensor(2.3))

    def look(self, latents: Tensor) -> Tensor:
        """`latents` are normalised, B 16 t h w; only the first FRAMES of them count."""
        return F.normalize(self.eye(latents[:, :, :FRAMES].flatten(1, 2)), dim=-1)

    def read(self, prompts: Sequence[str]) -> Tensor:
        tokens = self.tokenizer(
            list(prompts), padding="max_length", max_length=MAX_LENGTH, truncation=True, return_tensors="pt"
        )
        tokens = tokens.to(self.places.device)
        there = tokens.attention_mask.bool()
        hidden = self.reader(self.words(tokens.input_ids) + self.places, src_key_padding_mask=~there)
        weight = there.unsqueeze(-1).float()
        return F.normalize(self.said((hidden * weight).sum(1) / weight.sum(1)), dim=-1)

    def forward(self, latents: Tensor, prompts: Sequence[str]) -> Tensor:
        """Logits of every clip with every prompt, B B."""
        return self.sharpness.clamp(max=4.6).exp() * self.look(latents) @ self.read(prompts).T


def contrast(logits: Tensor, same: Tensor) -> Tensor:
    """Every clip finds its caption and every caption its clip; `same` (B B) marks further pairs that tell the same."""
    same = same.to(logits.device) & ~torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    others = logits.masked_fill(same, -1e4)
    target = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(others, target) + F.cross_entropy(others.T, target)) / 2


def telling_the_same(scenes: Sequence[Scene]) -> Tensor:
    return torch.tensor([[a == b for b in scenes] for a in scenes])


def train(stage: Stage, minutes: float, size: int, rate: float) -> ImageText:
    clock, data, work = Clock(budget=minutes * 60), LatentSet(stage.work / "latents", stage.device), stage.work
    net = ImageText(build_tokenizer(stage.library), data.motions(), stage.preset.side).to(stage.device)
    optimiser = for_module(net, rate, other_ratio=0.1)
    restore(work / "image-text.pt", clock, net, optimiser)
    rng, due = np.random.default_rng([8, clock.step]), Every(60)
    tasks = [task for task in TASKS if data.has(task)]
    while clock.progress < 1:
        with clock.counting():
            for group in optimiser.param_groups:
                group["lr"] = rate * clock.cosine(warmup=20, floor=1e-2)
            batch = data.batch(tasks[rng.integers(len(tasks))], False, size, rng)
            with half_precision(stage.device):
                logits = net(
                    batch.latents, [caption(scene, rng, library=stage.library) for scene in batch.scenes]
                ).float()
            loss = contrast(logits, telling_the_same(batch.scenes))
            loss.backward()
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        if clock.step % 50 == 0:
            right = (logits.argmax(-1).cpu() == torch.arange(size)).float().mean()
            print(f"{clock.step} {clock.spent / 60:.2f} min {loss.item():.3f} right {right:.2f}", flush=True)
        if due() or clock.progress >= 1:
            save(work / "image-text.pt", clock, net, optimiser, motions=net.motions, side=stage.preset.side)
    return net.eval()


def load(work: Path, library: Library = COMMON) -> ImageText:
    state = torch.load(work / "image-text.pt", weights_only=True, map_location="cpu")
    net = ImageText(build_tokenizer(library), state["motions"], state.get("side", UNITS))
    net.load_state_dict(state["model"])
    return net.eval()


@torch.no_grad()
def match(net: ImageText, latents: Tensor, prompts: Sequence[str]) -> dict[str, float]:
    """Cosine of each clip with its prompt, and how often it is the nearest among CANDIDATES of the list's, this one and
    those after it; both also for prompts shifted by one, where chance is 1 in CANDIDATES."""
    cosine = net.look(latents.cpu()) @ net.read(prompts).T
    count = len(prompts)
    near = torch.stack([cosine[n, [(n + k) % count for k in range(min(CANDIDATES, count))]] for n in range(count)])
    best = near.argmax(-1)
    return {
        "match": round(float(near[:, 0].mean()), 3),
        "found": round(float((best == 0).float().mean()), 3),
        "match, shuffled": round(float(near[:, 1].mean()), 3),
        "found, shuffled": round(float((best == 1).float().mean()), 3),
    }


def real_match(net: ImageText, stage: Stage, count: int) -> dict[str, float]:
    """On renders drawn anew, half of them of pairs and all in wordings never trained on."""
    rng, sprites = np.random.default_rng(88), load_sprites(stage.cache, stage.canvas, stage.library)
    drawn = (random_scene(rng, bool(n % 2), library=stage.library) for n in range(100 * count))
    scenes = list(islice((scene for scene in drawn if scene.motion in net.motions), count))
    clips = np.stack(
        [render_clip(sprites[s.subject], s.motion, s.background, rng, canvas=stage.canvas) for s in scenes]
    )
    vae = load_vae(stage)
    latents = torch.cat([encode(vae, part) for part in to_tensor(clips, stage.device).split(8)])
    return match(net.cpu(), latents, [caption(s, rng, HELD_OUT_TEMPLATES, stage.library) for s in scenes])


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=0.01)
    args = parser.parse_args()
    stage = Stage.of(args)
    net = train(stage, args.minutes, args.batch, args.learning_rate)
    print(sum(p.numel() for p in net.parameters()), "parameters")
    print("real renders", real_match(net, stage, 160))


if __name__ == "__main__":
    main()

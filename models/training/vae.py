"""Trains the causal video autoencoder: first on pictures, then on clips.

Run `python -m training.vae --stage image` and then `--stage video`. Both resume from `vae-<stage>.pt` in the work
folder, optimiser included; the learning rate falls as a cosine of the time spent, so that a run ends when planned.
Loss: L1, L1 on spatial gradients, L1 on differences of neighbouring frames (without it the decoder freezes motion
inside its groups of four frames), sprite pixels weighted, a small KL.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from einops import rearrange
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from training import device as devices
from training import vae_forward
from training.ahead import batches
from training.canvas import UNITS, Canvas
from training.checkpoints import Clock, Every, restore, save
from training.device import CPU
from training.grounds import GROUNDS
from training.optimiser import MuonWithAdamW, for_module
from training.parallel import Workers, launch
from training.places import MOTIONS, Placement
from training.presets import VaePreset
from training.render import draw, ground_picture, render_clip
from training.sources import film_file
from training.sprites import Sprite, load_sprites
from training.stage import Stage, options
from training.textures import Textures

Z_DIM = 16
PARTS = ("image", "video", "long")
FRAMES = {"image": 1, "video": 9, "long": 17}


def build(preset: VaePreset) -> AutoencoderKLWan:
    """An untrained autoencoder whose log-variance starts low, so that it first learns to see and then to be smooth."""
    vae = AutoencoderKLWan(
        base_dim=preset.base_dim,
        z_dim=Z_DIM,
        dim_mult=[1, 2, 4, 4],
        num_res_blocks=preset.num_res_blocks,
        temperal_downsample=[False, True, True],
    )
    with torch.no_grad():
        vae.quant_conv.weight[Z_DIM:].mul_(0.1)
        vae.quant_conv.bias[Z_DIM:].fill_(-4.0)
    return vae


@torch.no_grad()
def inflate(vae: AutoencoderKLWan) -> None:
    """Turns the picture autoencoder into one of clips that starts by treating every frame alone, plus a little
    noise."""
    for module in vae.modules():
        if isinstance(module, torch.nn.Conv3d) and module.kernel_size[0] == 3:
            module.weight[:, :, :2].normal_(0, 0.1 * float(module.weight[:, :, 2].std()))
    for name, module in vae.named_modules():
        if name.endswith("time_conv"):
            out, into = module.weight.shape[:2]
            module.weight.normal_(0, 0.3 / math.sqrt(3 * into))
            module.weight[:, :, -1, 0, 0] += torch.eye(into, device=module.weight.device).repeat(out // into, 1)
            module.bias.zero_()


def random_picture(
    sprites: list[Sprite], textures: Textures, share: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """One training picture, shape 1 H W 3: a sprite in any size, place and angle over a plain or a textured ground."""
    canvas, kind = textures.canvas, rng.uniform()
    if kind < share / 2:
        return textures.sample(rng, 1)
    behind = textures.sample(rng, 1)[0].astype(np.float32) / 255 if kind < share else ground_picture(rng, canvas)
    angle = rng.uniform(0, 360) if rng.uniform() < 0.35 else 0.0
    x, y = rng.uniform(10, UNITS - 10, 2)
    frame = draw(behind, sprites[rng.integers(len(sprites))], Placement(x, y, rng.uniform(12, 48), angle))
    if rng.uniform() < 0.06:  # the neutral grey that VACE leaves where a mask hides the picture
        columns, rows = _span(canvas, rng), _span(canvas, rng)
        frame[rows, columns] = 0.5
    return (frame * 255 + 0.5).clip(0, 255).astype(np.uint8)[None]


def _span(canvas: Canvas, rng: np.random.Generator) -> slice:
    """Some of the pixels of a side, next to each other."""
    begin, end = np.sort(rng.integers(0, UNITS + 1, 2))
    return slice(canvas.pixels(begin), canvas.pixels(end))


def random_clip(
    sprites: list[Sprite], textures: Textures, share: float, rng: np.random.Generator, frames: int
) -> NDArray[np.uint8]:
    """One training clip, T H W 3: mostly motions to be learnt, spins most often; some film; some frames hidden by
    grey."""
    canvas = textures.canvas
    if rng.uniform() < share / 2:
        return textures.sample(rng, frames)
    weights = np.array([3.0 if m == "spin" else 0.5 if m == "still" else 1.0 for m in MOTIONS])
    motion = str(rng.choice(MOTIONS, p=weights / weights.sum()))
    total = 17 if rng.uniform() < 0.8 else 25
    clip = render_clip(sprites[rng.integers(len(sprites))], motion, str(rng.choice(GROUNDS)), rng, total, canvas=canvas)
    start = int(rng.integers(0, total - frames + 1))
    clip = clip[start : start + frames]
    if rng.uniform() < 0.1:
        clip = clip.copy()
        kind = rng.uniform()
        if kind < 0.5:
            clip[1 + 4 * int(rng.integers(0, frames // 8)) :] = 128
        elif kind < 0.7:
            clip[:1] = 128
        else:
            columns, rows = _span(canvas, rng), _span(canvas, rng)
            clip[:, rows, columns] = 128
    return clip


def load_textures(stage: Stage) -> Textures:
    return Textures(film_file(stage.cache), canvas=stage.canvas)


def to_tensor(clips: NDArray[np.uint8], device: torch.device = CPU) -> Tensor:
    """B T H W 3 in 0..255 to B 3 T H W in [-1, 1]."""
    video = torch.from_numpy(clips).to(device).permute(0, 4, 1, 2, 3).float() / 127.5 - 1
    return video.contiguous(memory_format=torch.channels_last_3d)


def reconstruction_loss(output: Tensor, target: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Weighted L1 on pixels, spatial gradients and frame differences; B 3 T H W in [-1, 1]. The figures to print stay
    tensors, because reading one would wait for the device."""
    ground = target.flatten(2).median(dim=2).values[:, :, None, None, None]
    weight = 1 + 3 * ((target - ground).abs().amax(1, keepdim=True) > 0.08).float()
    weight = weight / weight.mean()
    pixel = ((output - target).abs() * weight).mean()
    error = output - target
    gradient = (error.diff(dim=-1).abs() * weight[..., 1:]).mean() + (
        error.diff(dim=-2).abs() * weight[..., 1:, :]
    ).mean()
    loss = pixel + 0.5 * gradient
    parts = {"pixel": pixel.detach(), "gradient": gradient.detach()}
    if target.shape[2] > 1:
        moving = 1 + 4 * (target.diff(dim=2).abs().amax(1, keepdim=True) > 0.05).float()
        temporal = (error.diff(dim=2).abs() * moving).mean()
        loss = loss + 0.7 * temporal
        parts["temporal"] = temporal.detach()
    return loss, parts


def resume(workers: Workers, part: str, clock: Clock, stage: Stage) -> tuple[AutoencoderKLWan, MuonWithAdamW]:
    """The part's own checkpoint, or else the end of the part before it."""
    preset, work = stage.preset.vae, stage.work
    torch.manual_seed(0)
    vae = build(preset).to(stage.device).train()
    optimiser = for_module(vae, preset.learning_rate, other_ratio=0.1)
    if restore(work / f"vae-{part}.pt", clock, vae, optimiser) is None and part != "image":
        previous = PARTS[PARTS.index(part) - 1]
        vae.load_state_dict(torch.load(work / f"vae-{previous}.pt", weights_only=True, map_location="cpu")["model"])
        if part == "video":
            inflate(vae)
    torch.manual_seed(1000 * clock.step + workers.rank)  # the same weights everywhere, other noise in each process
    return vae, optimiser


@dataclass(frozen=True, slots=True)
class Drawn:
    """Batches of a part: B T H W 3."""

    stage: Stage
    part: str

    @property
    def size(self) -> int:
        preset = self.stage.preset.vae
        frames = FRAMES[self.part]
        return preset.image_batch if frames == 1 else preset.video_batch * FRAMES["video"] // frames

    def load(self) -> Callable[[np.random.Generator], NDArray[np.uint8]]:
        stage, frames = self.stage, FRAMES[self.part]
        sprites = list(load_sprites(stage.cache, stage.canvas, stage.library).values())
        textures, share = load_textures(stage), stage.preset.vae.texture_share
        one = random_picture if frames == 1 else partial(random_clip, frames=frames)
        return lambda rng: np.stack([one(sprites, textures, share, rng) for _ in range(self.size)])


def train(workers: Workers, stage: Stage, part: str, minutes: float, learning_rate: float, drawers: int = 0) -> None:
    clock, preset = Clock(budget=minutes * 60), stage.preset.vae
    devices.prepare(stage.device)
    vae, optimiser = resume(workers, part, clock, stage)
    source = Drawn(stage, part)
    drawn = batches(source, (workers.rank, clock.step), drawers)
    if part != "image":
        vae_forward.use_fused_kernels(stage.device)
    if workers.leads:
        each_step = f"{workers.count} x {source.size} x {FRAMES[part]} frames a step"
        print(f"{part}: {minutes} minutes, {each_step}, from step {clock.step}")
    due = Every(90)
    while clock.progress < 1:
        with clock.counting():
            for group in optimiser.param_groups:
                group["lr"] = learning_rate * clock.cosine(warmup=50, floor=0.25 if part == "image" else 0.01)
            target = to_tensor(next(drawn), stage.device)
            output, parts = learn(vae, target, preset.kl_weight)
            workers.average(vae.parameters())
            torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        clock.spent = workers.agree(clock.spent)
        if workers.leads and clock.step % 25 == 0:
            shown = " ".join(f"{k} {v:.4f}" for k, v in parts.items())
            print(f"{clock.step} {clock.spent / 60:.2f} min {shown}", flush=True)
        if workers.leads and (due() or clock.progress >= 1):
            save(stage.work / f"vae-{part}.pt", clock, vae, optimiser)
            preview(target, output, stage.work / f"vae-{part}.png")


def learn(vae: AutoencoderKLWan, target: Tensor, kl_weight: float) -> tuple[Tensor, dict[str, Tensor]]:
    """Gradients of one batch; returns the reconstruction and figures to print."""
    mean, logvar = vae_forward.encode(vae, target.bfloat16()).float().chunk(2, dim=1)
    logvar = logvar.clamp(-20, 10)
    latents = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
    output = vae_forward.decode(vae, latents.bfloat16()).float()
    loss, parts = reconstruction_loss(output, target)
    kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
    (loss + kl_weight * kl).backward()
    output = output.detach()
    error = F.mse_loss(output.clamp(-1, 1), target)
    return output, {**parts, "kl": kl.detach(), "psnr": -10 * torch.log10(error / 4)}


def preview(target: Tensor, output: Tensor, path: Path, clips: int = 6) -> None:
    """Originals above their reconstructions, frames (or, for single pictures, pictures) from left to right."""
    if target.shape[2] == 1:
        target, output = (x.transpose(0, 2) for x in (target, output))
    both = torch.stack([target[:clips], output[:clips]], dim=1).clamp(-1, 1)
    page = rearrange((both + 1) * 127.5, "clip pair rgb t h w -> (clip pair h) (t w) rgb")
    Image.fromarray(page.byte().cpu().numpy()).save(path)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--stage", choices=PARTS, required=True)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--processes", type=int, default=1)
    args = parser.parse_args()
    stage = Stage.of(args)
    preset = stage.preset.vae
    planned = {"image": preset.image_minutes, "video": preset.video_minutes, "long": preset.long_minutes}[args.stage]
    args.work.mkdir(parents=True, exist_ok=True)
    rate = args.learning_rate or preset.learning_rate
    trainers, drawers = devices.shared_out(stage.device, args.processes)
    minutes = args.minutes or planned
    launch(partial(train, stage=stage, part=args.stage, minutes=minutes, learning_rate=rate, drawers=drawers), trainers)


if __name__ == "__main__":
    main()

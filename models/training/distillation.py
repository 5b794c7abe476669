"""Distils a trained transformer into a student of the same form that needs no guidance, and then fewer steps.

Two stages, each resumed from its own checkpoint:
- `guidance` (Meng et al., 2023, arXiv:2210.03142): at any noise the student gives in one pass the velocity that the
  teacher gives in two, with and without the prompt.
- `steps` (progressive distillation, Salimans and Ho, 2022, arXiv:2202.00512): the student goes on from the first stage
  and learns to go in one Euler step where the guided teacher goes in several.

The text encoder stays as it is, so that the student's transformer takes the teacher's place in its folder. Run
`python -m training.distillation --teacher FOLDER --stage guidance`, then `--stage steps`, then
`--export-folder FOLDER`, which writes a model of few steps; `--measure 8` tells how far a student still is, `--export
FILE` writes its weights alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from diffusers import UniPCMultistepScheduler, WanVACETransformer3DModel
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import T5Tokenizer, UMT5EncoderModel

from training import device as devices
from training.captions import caption
from training.checkpoints import Clock, Every, restore, save
from training.device import CPU, half_precision
from training.export import trained_rules, write_rules
from training.networks import base_view, embed_text, use_plain_attention
from training.optimiser import for_module
from training.stage import Stage, options
from training.subjects import COMMON, Library
from training.transformer import CAPTION_DROPOUT, LOGIT_MEAN, LOGIT_STD, Average, Batch, LatentSet, shorten
from vidgen.families.installation import distilled

GUIDANCE = 3.0
SHIFT = 3.0
EMA = 0.98
Velocity = Callable[[Tensor, Tensor], Tensor]
"""Of noisy latents (B 16 t h w) at noise levels (B, 0 to 1)."""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A transformer and the plain view of it, asked through whichever of both a batch needs."""

    transformer: WanVACETransformer3DModel
    base: nn.Module

    @classmethod
    def of(cls, transformer: WanVACETransformer3DModel) -> Network:
        use_plain_attention(transformer)
        return cls(transformer, base_view(transformer))

    def velocity(self, noisy: Tensor, sigma: Tensor, text: Tensor, context: Tensor | None) -> Tensor:
        with half_precision(noisy.device):
            if context is None:
                velocity: Tensor = self.base(noisy, sigma * 1000, text, return_dict=False)[0]
            else:
                velocity = self.transformer(
                    noisy, sigma * 1000, text, control_hidden_states=context, return_dict=False
                )[0]
        return velocity.float()

    def guided(self, text: Tensor, empty: Tensor, context: Tensor | None) -> Velocity:
        """Classifier-free guidance as the sampler does it, both passes in one batch."""
        both = torch.cat([text, empty])
        twice = None if context is None else torch.cat([context, context])

        def velocity(noisy: Tensor, sigma: Tensor) -> Tensor:
            asked, unasked = self.velocity(torch.cat([noisy, noisy]), torch.cat([sigma, sigma]), both, twice).chunk(2)
            return unasked + GUIDANCE * (asked - unasked)

        return velocity


def noised(latents: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    scale = sigma.view(-1, 1, 1, 1, 1)
    return (1 - scale) * latents + scale * noise


def shifted(sigma: Tensor) -> Tensor:
    """The sampler's schedule: noise levels 0 to 1, moved towards noise."""
    return SHIFT * sigma / (1 + (SHIFT - 1) * sigma)


def average_velocity(teacher: Velocity, noisy: Tensor, begin: Tensor, end: Tensor, substeps: int) -> Tensor:
    """What one Euler step must be told to arrive where `substeps` steps of the teacher arrive; levels are B."""
    state = noisy
    for number in range(substeps):
        here, there = (torch.lerp(begin, end, (number + k) / substeps) for k in (0, 1))
        state = state - (here - there).view(-1, 1, 1, 1, 1) * teacher(state, here)
    return (noisy - state) / (begin - end).view(-1, 1, 1, 1, 1)


def levels(part: str, count: int, steps: int, device: torch.device = CPU) -> tuple[Tensor, Tensor]:
    """Noise levels where the student is asked, and where its step ends: any one, or the `steps` ones it samples at."""
    if part == "guidance":
        sigma = torch.sigmoid(torch.randn(count, device=device) * LOGIT_STD + LOGIT_MEAN)
        return sigma, torch.zeros_like(sigma)
    first = torch.randint(steps, (count,), device=device)
    return shifted(1 - first / steps), shifted(1 - (first + 1) / steps)


def distilled_loss(
    student: Network, teacher: Network, texts: Texts, batch: Batch, part: str, steps: int, substeps: int
) -> Tensor:
    """Mean squared distance of the student's velocity from the teacher's, which is guided."""
    with torch.no_grad():
        text, empty = texts.of(batch)
        begin, end = levels(part, len(batch.scenes), steps, batch.latents.device)
        noisy = noised(batch.latents, torch.randn_like(batch.latents), begin)
        guided = teacher.guided(text, empty, batch.context)
        target = guided(noisy, begin) if part == "guidance" else average_velocity(guided, noisy, begin, end, substeps)
    return (student.velocity(noisy, begin, text, batch.context) - target).square().mean()


@dataclass(slots=True, eq=False)
class Texts:
    """Captions of a batch and the empty prompt, through the teacher's text encoder."""

    tokenizer: T5Tokenizer
    encoder: UMT5EncoderModel
    rng: np.random.Generator
    library: Library = COMMON

    def of(self, batch: Batch) -> tuple[Tensor, Tensor]:
        prompts = [
            "" if self.rng.uniform() < CAPTION_DROPOUT else caption(s, self.rng, library=self.library)
            for s in batch.scenes
        ]
        with half_precision(self.encoder.device):
            embedded = embed_text(self.tokenizer, self.encoder, [*prompts, ""])
        return embedded[:-1], embedded[-1:].expand(len(prompts), -1, -1)


def read(folder: Path, device: torch.device = CPU) -> WanVACETransformer3DModel:
    return WanVACETransformer3DModel.from_pretrained(folder / "transformer", dtype=torch.float32).to(device)


def read_texts(folder: Path, rng: np.random.Generator, stage: Stage) -> Texts:
    encoder = UMT5EncoderModel.from_pretrained(folder / "text_encoder", dtype=torch.float32).eval()
    return Texts(T5Tokenizer.from_pretrained(folder / "tokenizer"), encoder.to(stage.device), rng, stage.library)


def train(
    stage: Stage,
    teacher_folder: Path,
    part: str,
    minutes: float,
    rate: float,
    size: int,
    steps: int,
    substeps: int,
) -> None:
    clock, preset, work = Clock(budget=minutes * 60), stage.preset, stage.work
    devices.prepare(stage.device)
    network = read(teacher_folder, stage.device)
    teacher = Network.of(deepcopy(network).eval().requires_grad_(False))
    if part == "steps":
        load_average(network, work / "distilled-guidance.pt")
    model = nn.ModuleDict({"transformer": network.train()})
    student, average = Network.of(network), Average(model, EMA)
    optimiser = for_module(model, rate, other_ratio=0.08)
    checkpoint = work / f"distilled-{part}.pt"
    if (state := restore(checkpoint, clock, model, optimiser)) is not None:
        average.restore(state["average"], clock.step)
    rng = np.random.default_rng([6, clock.step])
    torch.manual_seed(int(rng.integers(2**31)))
    texts, data = read_texts(teacher_folder, rng, stage), LatentSet(work / "latents", stage.device)
    tasks, shares = data.shares(preset.tasks)
    print(f"{data.clips} clips, {size} a step, {part}, from step {clock.step}, {minutes} minutes", flush=True)
    losses, due = list[Tensor](), Every(120)
    while clock.progress < 1:
        with clock.counting():
            for group in optimiser.param_groups:
                group["lr"] = rate * clock.cosine(warmup=10, floor=1e-2)
            task, long = str(rng.choice(tasks, p=shares)), bool(rng.uniform() < preset.latents.long_share)
            batch = shorten(data.batch(task, long, size, rng), task, rng)
            loss = distilled_loss(student, teacher, texts, batch, part, steps, substeps)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            average.update()
        losses.append(loss.detach())
        if clock.step % 10 == 0:
            rate_now = clock.step * size / clock.spent
            mean = torch.stack(losses).mean()
            print(f"{clock.step} {clock.spent / 60:.2f} min {mean:.4f} clips/s {rate_now:.1f}", flush=True)
            losses.clear()
        if due() or clock.progress >= 1:
            save(checkpoint, clock, model, optimiser, average=average.values)


@torch.no_grad()
def load_average(network: nn.Module, checkpoint: Path) -> None:
    values = torch.load(checkpoint, weights_only=True, map_location="cpu")["average"]
    for parameter, value in zip(network.parameters(), values, strict=True):
        parameter.copy_(value)


def export_folder(stage: Stage, teacher_folder: Path, output: Path) -> None:
    """Writes a model that needs no guidance: the teacher's folder with the student of few steps in its place, whose
    rules say so, and a scheduler that goes in the plain steps it was trained for."""
    shutil.copytree(teacher_folder, output, dirs_exist_ok=True)
    network = read(teacher_folder)
    load_average(network, stage.work / "distilled-steps.pt")
    network.half().save_pretrained(output / "transformer")
    steps = stage.preset.distillation.steps
    plain = UniPCMultistepScheduler.from_pretrained(teacher_folder / "scheduler")
    plain.register_to_config(solver_order=1, disable_corrector=list(range(steps)))
    plain.save_pretrained(output / "scheduler")
    write_rules(output, distilled(trained_rules(stage.preset.side), steps))


def export(teacher_folder: Path, checkpoint: Path, output: Path) -> str:
    """Writes the student's transformer in half precision as one file, and returns its sha256."""
    network = read(teacher_folder)
    load_average(network, checkpoint)
    output.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in network.state_dict().items()}, output)
    return sha256(output.read_bytes()).hexdigest()


@torch.no_grad()
def distances(stage: Stage, teacher_folder: Path, part: str, batches: int, size: int) -> dict[str, float]:
    """Mean squared distances to the guided teacher's velocity: of the student, and of the teacher without guidance,
    from which the student began; over the same clips, prompts and noise."""
    network = read(teacher_folder, stage.device)
    teacher = Network.of(deepcopy(network).eval())
    load_average(network, stage.work / f"distilled-{part}.pt")
    student = Network.of(network.eval())
    rng, data = np.random.default_rng(7), LatentSet(stage.work / "latents", stage.device)
    torch.manual_seed(7)
    texts = read_texts(teacher_folder, rng, stage)
    found = dict.fromkeys(("student", "teacher without guidance"), 0.0)
    for _ in range(batches):
        batch = data.batch("text", False, size, rng)
        text, empty = texts.of(batch)
        sigma, _ = levels("guidance", size, 0, stage.device)
        noisy = noised(batch.latents, torch.randn_like(batch.latents), sigma)
        target = teacher.guided(text, empty, None)(noisy, sigma)
        for name, asked in zip(found, (student, teacher), strict=True):
            found[name] += float((asked.velocity(noisy, sigma, text, None) - target).square().mean()) / batches
    return {name: round(value, 4) for name, value in found.items()}


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--stage", choices=["guidance", "steps"], default="guidance")
    parser.add_argument("--minutes", type=float, help="this and the next four are the preset's when left out")
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--substeps", type=int)
    parser.add_argument("--export", type=Path, help="write what was trained to this file, and train no more")
    parser.add_argument("--export-folder", type=Path, help="write a whole model of few steps there, and train no more")
    parser.add_argument("--measure", type=int, metavar="BATCHES", help="how far the student still is from its teacher")
    args = parser.parse_args()
    stage = Stage.of(args)
    sizes = stage.preset.distillation
    if args.measure is not None:
        print(distances(stage, args.teacher, args.stage, args.measure, args.batch or sizes.batch))
        return
    if args.export_folder is not None:
        export_folder(stage, args.teacher, args.export_folder)
        return
    if args.export is not None:
        print(export(args.teacher, args.work / f"distilled-{args.stage}.pt", args.export))
        return
    planned = {"guidance": sizes.guidance_minutes, "steps": sizes.steps_minutes}[args.stage]
    train(
        stage,
        args.teacher,
        args.stage,
        args.minutes or planned,
        args.learning_rate or sizes.learning_rate,
        args.batch or sizes.batch,
        args.steps or sizes.steps,
        args.substeps or sizes.substeps,
    )


if __name__ == "__main__":
    main()

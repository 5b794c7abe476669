"""Trains the transformer and its text encoder together on encoded clips: text-to-video and every conditioned task
in one run.

Rectified flow: x_sigma = (1 - sigma) x0 + sigma noise, the network predicts noise - x0. The logit of sigma is
normal with mean 1.1 and deviation 1.3, because layout is decided at high noise. Run `python -m
training.transformer`; it resumes from `transformer.pt`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import T5Tokenizer

from training import device as devices
from training.captions import Scene, caption
from training.checkpoints import Clock, Every, restore, save
from training.device import CPU, half_precision, home_of, kept
from training.networks import (
    base_view,
    build_text_encoder,
    build_transformer,
    compile_blocks,
    embed_text,
    use_plain_attention,
)
from training.optimiser import for_module
from training.parallel import Workers, launch
from training.places import ANY
from training.presets import Preset
from training.stage import Stage, options
from training.subjects import COMMON, Library
from training.tokenizer import build_tokenizer

LOGIT_MEAN, LOGIT_STD = 1.1, 1.3
CAPTION_DROPOUT, CONDITION_DROPOUT = 0.10, 0.08
SHORTENED = 0.12
CARRIED_NOISE = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Normalised latents B 16 t h w, their scenes, and the VACE context B 96 t h w (None for text-to-video)."""

    latents: Tensor
    scenes: list[Scene]
    context: Tensor | None


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """All clips of one task and length; `context` is None where nothing but the text is given."""

    scenes: list[Scene]
    latents: Tensor
    context: Context | None

    @classmethod
    def join(cls, shards: list[dict[str, Any]]) -> Group:
        scenes = [Scene(*scene) for shard in shards for scene in shard["scenes"]]
        latents = torch.cat([shard["latents"] for shard in shards])
        return cls(scenes, latents, Context.join(shards) if "mask" in shards[0] else None)

    def to(self, home: torch.device, device: torch.device) -> Group:
        """The same clips, at `home` for work on `device`."""
        context = None if self.context is None else self.context.to(home, device)
        return replace(self, latents=kept(self.latents, home, device), context=context)

    def draw(self, size: int, rng: np.random.Generator, device: torch.device) -> Batch:
        """`size` random clips with their contexts, on `device`."""
        index = torch.from_numpy(rng.integers(len(self.scenes), size=size))
        context = None if self.context is None else self.context.draw(index, rng, device)
        return Batch(fetched(self.latents, index, device), [self.scenes[int(i)] for i in index], context)


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """What conditioned clips are given; `reactive` None means that grey lies under every mask."""

    inactive: Tensor
    reactive: Tensor | None
    mask: Tensor
    grey: Tensor
    carried: bool

    @classmethod
    def join(cls, shards: list[dict[str, Any]]) -> Context:
        def joined(key: str) -> Tensor:
            return torch.cat([shard[key] for shard in shards])

        reactive = None if shards[0]["reactive"] is None else joined("reactive")
        carried = shards[0]["task"] == "continue"
        return cls(joined("inactive"), reactive, joined("mask"), shards[0]["grey"].float(), carried)

    def to(self, home: torch.device, device: torch.device) -> Context:
        reactive = None if self.reactive is None else kept(self.reactive, home, device)
        inactive, mask = (kept(tensor, home, device) for tensor in (self.inactive, self.mask))
        return replace(self, inactive=inactive, reactive=reactive, mask=mask, grey=self.grey.to(device))

    def draw(self, index: Tensor, rng: np.random.Generator, device: torch.device) -> Tensor:
        """B 96 t h w. A few are dropped: then the whole clip is to be painted.

        Latents that are carried from piece to piece are a little noisy, so that the network does not trust, and pass
        on, the errors of the piece before.
        """
        inactive, mask = fetched(self.inactive, index, device), fetched(self.mask, index, device)
        grey = self.grey.expand_as(inactive)
        reactive = grey if self.reactive is None else fetched(self.reactive, index, device)
        if self.carried:
            level = torch.from_numpy(rng.uniform(0, CARRIED_NOISE, (len(index), 1, 1, 1, 1))).float().to(device)
            noisy = inactive + level * torch.randn_like(inactive)
            return torch.cat([torch.where(mask[:, :1] == 0, noisy, grey), reactive, mask], dim=1)
        dropped = torch.from_numpy(rng.uniform(size=len(index)) < CONDITION_DROPOUT).to(device).view(-1, 1, 1, 1, 1)
        inactive, reactive = torch.where(dropped, grey, inactive), torch.where(dropped, grey, reactive)
        return torch.cat([inactive, reactive, torch.where(dropped, 1.0, mask)], dim=1)


def fetched(clips: Tensor, index: Tensor, device: torch.device) -> Tensor:
    """Those of `clips` that `index` names, on `device`, in single precision; they travel in half of it."""
    return clips[index.to(clips.device)].to(device, non_blocking=True).float()


class LatentSet:
    """All encoded clips in memory, by task and length in latent frames; on `device` itself where they fit."""

    def __init__(self, folder: Path, device: torch.device = CPU) -> None:
        shards: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
        for path in sorted(folder.glob("*.pt")):
            shard = torch.load(path, weights_only=True)
            shards[shard["task"], shard["latents"].shape[2]].append(shard)
        self.device = device
        home = home_of(sum(path.stat().st_size for path in folder.glob("*.pt")), device)
        self.groups = {key: Group.join(group).to(home, device) for key, group in shards.items()}
        self.clips = sum(len(group.scenes) for group in self.groups.values())

    def motions(self) -> set[str]:
        """Those that captions name."""
        return {scene.motion for group in self.groups.values() for scene in group.scenes} - {ANY}

    def has(self, task: str) -> bool:
        return any(name == task for name, _ in self.groups)

    def shares(self, wanted: Mapping[str, float]) -> tuple[list[str], NDArray[np.float64]]:
        """The tasks of `wanted` that have clips, and how often each is to be drawn."""
        known = {task: share for task, share in wanted.items() if self.has(task)}
        return list(known), np.array(list(known.values())) / sum(known.values())

    def batch(self, task: str, long: bool, size: int, rng: np.random.Generator) -> Batch:
        """`size` random clips of one task, of its longest or its shortest length."""
        lengths = sorted({length for name, length in self.groups if name == task})
        return self.groups[task, lengths[-1] if long else lengths[0]].draw(size, rng, self.device)


def shorten(batch: Batch, task: str, rng: np.random.Generator) -> Batch:
    """Now and then keeps the first frames alone, so that short clips work too: the autoencoder is causal, hence
    these are valid."""
    if task in ("ends", "continue") or rng.uniform() > SHORTENED:
        return batch
    keep = int(rng.integers(2, batch.latents.shape[2]))
    return Batch(
        batch.latents[:, :, :keep].contiguous(),
        batch.scenes,
        None if batch.context is None else batch.context[:, :, :keep].contiguous(),
    )


class Average:
    """Exponential moving average of parameters, warmed up."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay, self.step = decay, 0
        self.source = list(module.parameters())
        self.values = [p.detach().clone() for p in self.source]

    def restore(self, values: Sequence[Tensor], step: int) -> None:
        """Goes on from `values`, wherever they were kept."""
        self.values, self.step = [v.to(p.device) for v, p in zip(values, self.source, strict=True)], step

    @torch.no_grad()
    def update(self) -> None:
        self.step += 1
        decay = min(self.decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self.values, self.source, 1 - decay)


def build(preset: Preset, tokenizer: T5Tokenizer, device: torch.device = CPU) -> nn.ModuleDict:
    torch.manual_seed(0)
    networks = {
        "transformer": build_transformer(preset.transformer),
        "text": build_text_encoder(preset.transformer, tokenizer),
    }
    return nn.ModuleDict(networks).to(device).train()


@torch.no_grad()
def average_weights(model: nn.ModuleDict, work: Path) -> None:
    """Loads the moving average of the run in `work`."""
    values = torch.load(work / "transformer.pt", weights_only=True, map_location="cpu")["average"]
    for parameter, value in zip(model.parameters(), values, strict=True):
        parameter.copy_(value)


def start_from(folder: Path, model: nn.ModuleDict, tokenizer: T5Tokenizer) -> None:
    """Loads the weights of an exported model instead of beginning at random ones. Its vocabulary may be another: words
    keep what they meant, new ones begin at random."""
    for name, part in (("transformer", "transformer/diffusion_pytorch_model"), ("text", "text_encoder/model")):
        state = load_file(folder / f"{part}.safetensors")
        if name == "text":
            rows = moved_rows(state["shared.weight"], T5Tokenizer.from_pretrained(folder / "tokenizer"), tokenizer)
            state = {key: rows if "embed_tokens" in key or key == "shared.weight" else v for key, v in state.items()}
        missing, unexpected = model[name].load_state_dict({k: v.float() for k, v in state.items()}, strict=False)
        if unexpected or set(missing) - {"encoder.embed_tokens.weight"}:
            raise ValueError(f"{folder}: other networks than this preset's: {missing + unexpected}")


def moved_rows(rows: Tensor, before: T5Tokenizer, after: T5Tokenizer) -> Tensor:
    """Embeddings of `before`'s pieces at their places in `after`'s vocabulary; those of new pieces are random, of the
    same size."""
    rows, known = rows.float(), before.get_vocab()
    moved = torch.randn(len(after), rows.shape[1]) * rows.std()
    for piece, place in after.get_vocab().items():
        if piece in known:
            moved[place] = rows[known[piece]]
    return moved


def train(
    workers: Workers,
    stage: Stage,
    minutes: float,
    learning_rate: float,
    batch_size: int,
    first_weights: Path | None,
) -> None:
    preset, work = stage.preset, stage.work
    tokenizer, clock = build_tokenizer(stage.library), Clock(budget=minutes * 60)
    devices.prepare(stage.device)
    model = build(preset, tokenizer, stage.device)
    if first_weights is not None:
        start_from(first_weights, model, tokenizer)
    use_plain_attention(model["transformer"])
    if preset.transformer.compiled:
        compile_blocks(model["transformer"])
    base = base_view(model["transformer"])
    average = Average(model, preset.transformer.ema_decay)
    optimiser = for_module(model, learning_rate, other_ratio=0.08)
    if (state := restore(work / "transformer.pt", clock, model, optimiser)) is not None:
        average.restore(state["average"], clock.step)
    shared = np.random.default_rng([3, clock.step])  # the same choice of task and length in every process
    rng = np.random.default_rng([4, workers.rank, clock.step])
    torch.manual_seed(int(rng.integers(2**31)))
    data = LatentSet(work / "latents", stage.device)
    tasks, shares = data.shares(preset.tasks)
    if workers.leads:
        millions = sum(p.numel() for p in model.parameters()) / 1e6
        each_step = f"{workers.count} x {batch_size} a step"
        print(f"{millions:.2f}M parameters, {data.clips} clips, {each_step}, {minutes} minutes", flush=True)
    losses: dict[str, list[Tensor]] = defaultdict(list)  # read when they are printed: reading waits for the device
    due = Every(240)
    while clock.progress < 1:
        with clock.counting():
            for group in optimiser.param_groups:
                group["lr"] = learning_rate * clock.cosine(warmup=100, floor=1e-3)
            task = str(shared.choice(tasks, p=shares))
            long = bool(shared.uniform() < preset.latents.long_share)
            batch = shorten(data.batch(task, long, batch_size, rng), task, shared)
            loss = flow_loss(model, base, tokenizer, batch, rng, stage.library)
            loss.backward()
            workers.average(model.parameters())
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            average.update()
        clock.spent = workers.agree(clock.spent)
        losses[task if task in ("text", "scene", "pair", "control") else "conditioned"].append(loss.detach())
        if workers.leads and clock.step % 50 == 0:
            shown = " ".join(f"{k} {torch.stack(v).mean():.4f}" for k, v in sorted(losses.items()))
            rate = clock.step * batch_size * workers.count / clock.spent
            print(f"{clock.step} {clock.spent / 60:.2f} min {shown} clips/s {rate:.1f}", flush=True)
            losses.clear()
        if workers.leads and (due() or clock.progress >= 1):
            save(work / "transformer.pt", clock, model, optimiser, average=average.values)


def flow_loss(
    model: nn.ModuleDict,
    base: nn.Module,
    tokenizer: T5Tokenizer,
    batch: Batch,
    rng: np.random.Generator,
    library: Library = COMMON,
) -> Tensor:
    """Mean squared error of the predicted velocity."""
    prompts = [
        "" if rng.uniform() < CAPTION_DROPOUT else caption(scene, rng, library=library) for scene in batch.scenes
    ]
    noise = torch.randn_like(batch.latents)
    sigma = torch.sigmoid(torch.randn(len(prompts), device=noise.device) * LOGIT_STD + LOGIT_MEAN)
    scale = sigma.view(-1, 1, 1, 1, 1)
    noisy = (1 - scale) * batch.latents + scale * noise
    with half_precision(noise.device):
        text = embed_text(tokenizer, model["text"], prompts)
        if batch.context is None:
            velocity = base(noisy, sigma * 1000, text, return_dict=False)[0]
        else:
            velocity = model["transformer"](
                noisy, sigma * 1000, text, control_hidden_states=batch.context, return_dict=False
            )[0]
    return (velocity.float() - (noise - batch.latents)).square().mean()


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--start-from", type=Path, help="an exported model whose weights to go on from")
    args = parser.parse_args()
    stage = Stage.of(args)
    sizes = stage.preset.transformer
    run = partial(
        train,
        stage=stage,
        minutes=args.minutes or sizes.minutes,
        learning_rate=args.learning_rate or sizes.learning_rate,
        batch_size=args.batch or sizes.batch,
        first_weights=args.start_from,
    )
    launch(run, devices.shared_out(stage.device, args.processes)[0])


if __name__ == "__main__":
    main()

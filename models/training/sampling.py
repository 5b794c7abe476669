"""Generates clips from an exported folder, batched: through the base path, and through the condition's branch.

Only what evaluation and contact sheets need; the service has an engine of its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanTransformer3DModel, WanVACEPipeline
from numpy.typing import NDArray
from torch import Tensor

from training.canvas import UNITS, Canvas
from training.device import CPU
from training.latents import decode, encode, fold_mask
from training.networks import base_view
from training.tokenizer import MAX_LENGTH
from vidgen.families import own_rules


@dataclass(frozen=True, slots=True)
class Settings:
    steps: int = 20
    guidance: float = 3.0
    shift: float = 3.0
    frames: int = 17


@dataclass(frozen=True, slots=True, eq=False)
class Generator:
    """An exported pipeline with the plain transformer over its weights."""

    pipeline: WanVACEPipeline
    base: WanTransformer3DModel
    side: int

    @classmethod
    def load(cls, folder: Path, device: torch.device = CPU) -> Generator:
        pipeline = WanVACEPipeline.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
        pipeline.to(device).text_encoder.eval()
        return cls(pipeline, base_view(pipeline.transformer.eval()), side_of(folder))

    @property
    def canvas(self) -> Canvas:
        return Canvas(self.side)

    def text(self, prompts: list[str]) -> Tensor:
        return self.pipeline._get_t5_prompt_embeds(prompts, max_sequence_length=MAX_LENGTH)

    @torch.no_grad()
    def __call__(
        self,
        prompts: Sequence[str],
        seeds: Sequence[int],
        settings: Settings,
        context: Tensor | None = None,
        start: Tensor | None = None,
        strength: float = 1.0,
        kept: Tensor | None = None,
    ) -> NDArray[np.uint8]:
        """B T H W 3 clips. `context` (B 96 t h w) conditions; `start` (latents) with `strength` < 1 edits a clip
        (SDEdit); where `kept` (B 1 t h w) is 1, `start` is held at every step, as the service holds it."""
        text, empty = self.text(list(prompts)), self.text([""] * len(prompts))
        scheduler = UniPCMultistepScheduler.from_config(self.pipeline.scheduler.config, flow_shift=settings.shift)
        device = self.pipeline.vae.device
        scheduler.set_timesteps(settings.steps, device=device)
        length = (settings.frames - 1) // 4 + 1 if context is None else context.shape[2]
        shape = (16, length, self.side // 8, self.side // 8)
        noise = torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(s)) for s in seeds]).to(device)
        latents = noise
        first = round(settings.steps * (1 - strength))
        if start is not None and first > 0:
            sigma = scheduler.sigmas[first]
            latents = (1 - sigma) * start + sigma * noise
            scheduler.set_begin_index(first)
        for step, timestep in enumerate(scheduler.timesteps[first:], first + 1):
            velocity = self._velocity(latents, timestep, text, empty, context, settings.guidance)
            latents = scheduler.step(velocity, timestep, latents, return_dict=False)[0]
            if start is not None and kept is not None:
                sigma = scheduler.sigmas[step]
                latents = torch.lerp(latents, (1 - sigma) * start + sigma * noise, kept.to(device))
        latents = latents[:, :, length - (settings.frames - 1) // 4 - 1 :]  # without a reference
        return to_pixels(torch.cat([decode(self.pipeline.vae, part) for part in latents.split(8)]))

    def _velocity(
        self, latents: Tensor, timestep: Tensor, text: Tensor, empty: Tensor, context: Tensor | None, guidance: float
    ) -> Tensor:
        """With guidance both passes in one batch; without (1) the prompt's alone."""
        if guidance == 1:
            return self._predicted(latents, timestep, text, context)
        doubled = None if context is None else torch.cat([context, context])
        both = self._predicted(torch.cat([latents, latents]), timestep, torch.cat([text, empty]), doubled)
        asked, unasked = both.chunk(2)
        return unasked + guidance * (asked - unasked)

    def _predicted(self, latents: Tensor, timestep: Tensor, text: Tensor, context: Tensor | None) -> Tensor:
        time = timestep.expand(len(latents)).float()
        network, more = self.base, {}
        if context is not None:
            network, more = self.pipeline.transformer, {"control_hidden_states": context}
        velocity: Tensor = network(latents, time, text, return_dict=False, **more)[0]
        return velocity

    def context(self, video: Tensor, mask: Tensor, hidden: Tensor | None = None) -> Tensor:
        """VACE context of `video` (B 3 T H W in [-1, 1]) and `mask` (B T H W, 1 where the model paints); under the mask
        lies `hidden`, such as a control video, or grey."""
        vae = self.pipeline.vae
        video, mask = video.to(vae.device), mask.to(vae.device).float()
        hidden = torch.zeros_like(video) if hidden is None else hidden.to(vae.device) * mask[:, None]
        parts = (video * (1 - mask[:, None]), hidden)
        return torch.cat([*(_encoded(vae, part) for part in parts), fold_mask(mask)], dim=1)

    def referenced(self, context: Tensor, reference: Tensor) -> Tensor:
        """`context` with a reference picture (B 3 H W in [-1, 1]) before it."""
        portrait = _encoded(self.pipeline.vae, reference[:, :, None])
        nothing = torch.zeros_like(portrait), torch.zeros_like(context[:, 32:, :1])
        return torch.cat([torch.cat([portrait, *nothing], dim=1), context], dim=2)


def side_of(folder: Path) -> int:
    """Of the clips that an exported model was trained on, in pixels."""
    rules = folder / own_rules.FILE
    return int(json.loads(rules.read_text())["rules"]["sides"]["default_width"]) if rules.is_file() else UNITS


def _encoded(vae: AutoencoderKLWan, video: Tensor) -> Tensor:
    return torch.cat([encode(vae, part) for part in video.split(8)])


def to_pixels(video: Tensor) -> NDArray[np.uint8]:
    """B 3 T H W in [-1, 1] to B T H W 3 in 0..255."""
    return ((video + 1) * 127.5 + 0.5).clamp(0, 255).byte().permute(0, 2, 3, 4, 1).cpu().numpy()

"""Mochi 1: text to video by an asymmetric transformer of text and video tokens. Its noise levels run from 0 up."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import torch
from diffusers import AutoencoderKLMochi, MochiPipeline, MochiTransformer3DModel
from torch import Tensor
from transformers import T5EncoderModel, T5Tokenizer

from vidgen.families.description import Description, sides
from vidgen.families.diffusers_model import DiffusersModel, whole
from vidgen.families.folder import ModelFolder
from vidgen.families.tiles import decoded
from vidgen.runtime.memory import on_device
from vidgen.spec import FrameRule, GuidanceRule, ModelRules, StepRule
from vidgen.spec.advanced import TURNING
from vidgen.stages.clip_model import ClipRequest

STEP, LONGEST = 6, 163


class Mochi(DiffusersModel):
    components: ClassVar[Mapping[str, type | tuple[type, ...]]] = {
        "tokenizer": T5Tokenizer,
        "text_encoder": T5EncoderModel,
        "transformer": MochiTransformer3DModel,
        "vae": AutoencoderKLMochi,
    }
    weighted_prompts = True

    @classmethod
    def describe(cls, folder: ModelFolder) -> Description:
        transformer = folder.config("transformer")
        rules = ModelRules(
            tasks=("text-to-video",),
            frames=FrameRule(min=STEP + 1, max=LONGEST, step=STEP, default=85),
            sides=sides(8 * int(transformer["patch_size"]), width=848, height=480),
            steps=StepRule(min=1, max=100, default=64),
            guidance=GuidanceRule(min=1.0, max=10.0, default=4.5),
            fps=30,
            options=(*TURNING, "step_cache", "loras"),
            weighted_prompts=True,
        )
        return Description(rules, int(transformer.get("max_sequence_length", 256)))

    def pipeline(self, request: ClipRequest) -> Any:
        zeros = bool(self.folder.index.get("force_zeros_for_empty_prompt"))
        return MochiPipeline(**self.parts, scheduler=self.scheduler(request), force_zeros_for_empty_prompt=zeros)

    def arguments(self, request: ClipRequest) -> dict[str, Any]:
        return self.asked(request) | {"num_frames": request.num_frames}

    def decode(self, latents: Tensor | Iterable[Tensor]) -> Iterator[Tensor]:
        with on_device(self.vae, self.device) as vae:
            given = whole(latents).to(self.device).float()
            mean, std = (
                torch.tensor(values, device=self.device).view(1, -1, 1, 1, 1)
                for values in (vae.config.latents_mean, vae.config.latents_std)
            )
            restored = given * std / vae.config.scaling_factor + mean
            yield decoded(vae, lambda: vae.decode(restored.to(vae.dtype)).sample).float().clamp(-1, 1)

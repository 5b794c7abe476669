"""SkyReels-V2 by diffusion forcing, every frame with a noise level of its own: text to video (arXiv:2504.13074).

That is also its way of going on: what a window begins with is given at its own, low noise level, and the rest follows.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from diffusers import AutoencoderKLWan, SkyReelsV2DiffusionForcingPipeline, SkyReelsV2Transformer3DModel
from torch import Tensor
from transformers import T5Tokenizer, UMT5EncoderModel

from vidgen.families.description import Description, sides
from vidgen.families.diffusers_model import DiffusersModel
from vidgen.families.folder import ModelFolder
from vidgen.runtime.memory import on_device
from vidgen.spec import FrameRule, GuidanceRule, LongRule, ModelRules, StepRule
from vidgen.spec.advanced import TURNING
from vidgen.stages.clip_model import ClipRequest, OnStep
from vidgen_models.nets.causal_conv import use_onednn_convolutions
from vidgen_models.nets.wan import Decoded, decode_stream

TEXT_LENGTH = 512
WINDOW = 97
NOISE_LEVELS = 1000
LONG = LongRule(
    modes=("native",),
    max_frames=80 * 24 + 1,
    window=100,
    overlap=20,
    overlap_min=20,
    overlap_max=40,
    anchor=0.0,
    condition_noise=0.02,
)
"""As its authors run it: windows of 25 latent frames, 5 or 10 of them from before (their `overlap_history` 17 or 37),
given with noise level 20 of 1000."""


class SkyReels(DiffusersModel):
    components: ClassVar[Mapping[str, type | tuple[type, ...]]] = {
        "tokenizer": T5Tokenizer,
        "text_encoder": UMT5EncoderModel,
        "transformer": SkyReelsV2Transformer3DModel,
        "vae": AutoencoderKLWan,
    }
    weighted_prompts = True
    full_precision = frozenset({"vae"})
    previews = False  # the pipeline copies its scheduler for every frame

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, **options)
        use_onednn_convolutions(self.vae)

    @classmethod
    def describe(cls, folder: ModelFolder) -> Description:
        vae, transformer = folder.config("vae"), folder.config("transformer")
        step = int(vae.get("scale_factor_temporal", 4))
        multiple = int(vae.get("scale_factor_spatial", 8)) * int(transformer["patch_size"][1])
        rules = ModelRules(
            tasks=("text-to-video",),
            frames=FrameRule(min=step + 1, max=WINDOW, step=step, default=WINDOW),
            sides=sides(multiple, width=960, height=544),
            steps=StepRule(min=1, max=100, default=30),
            guidance=GuidanceRule(min=1.0, max=10.0, default=6.0),
            fps=24,
            options=("shift", *TURNING, "loras"),
            prediction="flow_prediction",
            weighted_prompts=True,
            regions=True,
            long=LONG,
        )
        return Description(rules, TEXT_LENGTH)

    def pipeline(self, request: ClipRequest) -> Any:
        parts = {**self.parts, "scheduler": self.scheduler(request)}
        if request.head is None:
            return SkyReelsV2DiffusionForcingPipeline(**parts)
        going_on = GoingOn(**parts)
        going_on.head = request.head
        return going_on

    def generate(self, request: ClipRequest, on_step: OnStep) -> Tensor:
        # the pipeline draws the noise on what is given from torch's own generator
        cards = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=cards):
            torch.manual_seed(request.seed)
            return super().generate(request, on_step)

    def arguments(self, request: ClipRequest) -> dict[str, Any]:
        return {
            "prompt": request.spec.prompt,
            "negative_prompt": request.spec.negative_prompt,
            "width": request.width,
            "height": request.height,
            "num_frames": request.num_frames,
            "fps": request.fps,
            "guidance_scale": request.guidance_scale,
            "max_sequence_length": self.text_length,
            "addnoise_condition": NOISE_LEVELS * request.condition_noise if request.head is not None else 0,
        }

    def decode(self, latents: Tensor | Iterable[Tensor]) -> Iterator[Tensor]:
        with on_device(self.vae, self.device) as vae:
            yield from decode_stream(vae, latents)

    def nothing_decoded(self) -> Decoded:
        return Decoded.nothing(self.vae)

    def decode_on(self, before: Decoded, latents: Tensor) -> Iterator[Tensor]:
        with on_device(self.vae, self.device) as vae:
            yield from decode_stream(vae, latents, before=before)


class GoingOn(SkyReelsV2DiffusionForcingPipeline):  # type: ignore[misc]
    """The pipeline on a window whose first latents are there already: it finds them where it looks for its own."""

    head: Tensor

    def prepare_latents(self, *positional: Any, **named: Any) -> tuple[Tensor, int, Tensor, int]:
        latents, frames, _, _ = super().prepare_latents(*positional, **named)
        return latents, frames, self.head.to(latents), self.head.shape[2]

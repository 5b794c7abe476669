"""LTX-Video: text and picture to video; checkpoints made for conditions also take a last picture and a clip.

arXiv:2501.00103. Its autoencoder is not causal in the decoder, so a clip is decoded at once.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import torch
from diffusers import (
    AutoencoderKLLTXVideo,
    LTXConditionPipeline,
    LTXImageToVideoPipeline,
    LTXPipeline,
    LTXVideoTransformer3DModel,
)
from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition
from torch import Tensor
from transformers import T5EncoderModel, T5Tokenizer

from vidgen.families.description import Description, sides
from vidgen.families.diffusers_model import DiffusersModel, picture, whole
from vidgen.families.folder import ModelFolder
from vidgen.families.tiles import decoded
from vidgen.media.tensor import to_pixels
from vidgen.runtime.memory import on_device
from vidgen.runtime.seeding import frame_noise
from vidgen.spec import FrameRule, GuidanceRule, ModelRules, StepRule
from vidgen.stages.clip_model import ClipRequest, OnStep

TEXT_LENGTH = 128
CONDITION_TEXT_LENGTH = 256
DECODE_TIMESTEP, DECODE_NOISE = 0.05, 0.025
"""Of autoencoders that finish the denoising while they decode: as their authors run them."""


class Ltx(DiffusersModel):
    components: ClassVar[Mapping[str, type | tuple[type, ...]]] = {
        "tokenizer": T5Tokenizer,
        "text_encoder": T5EncoderModel,
        "transformer": LTXVideoTransformer3DModel,
        "vae": AutoencoderKLLTXVideo,
    }
    weighted_prompts = True

    @classmethod
    def describe(cls, folder: ModelFolder) -> Description:
        conditions = folder.pipeline == "LTXConditionPipeline"
        tasks = ("text-to-video", "image-to-video", *(("video-to-video",) if conditions else ()))
        rules = ModelRules(
            tasks=tasks,
            frames=FrameRule(min=9, max=257, step=8, default=121),
            sides=sides(32, width=704, height=480),
            steps=StepRule(min=1, max=100, default=40),
            guidance=GuidanceRule(min=1.0, max=10.0, default=3.0),
            fps=25,
            last_image="optional" if conditions else "no",
            options=("guidance_rescale", "loras"),
            weighted_prompts=True,
        )
        return Description(rules, CONDITION_TEXT_LENGTH if conditions else TEXT_LENGTH)

    @property
    def _conditions(self) -> bool:
        return self.folder.pipeline == "LTXConditionPipeline"

    def pipeline(self, request: ClipRequest) -> Any:
        kind = LTXPipeline if request.image is None else LTXImageToVideoPipeline
        return (LTXConditionPipeline if self._conditions else kind)(**self.parts, scheduler=self.scheduler(request))

    def arguments(self, request: ClipRequest) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "prompt": request.spec.prompt,
            "negative_prompt": request.spec.negative_prompt,
            "width": request.width,
            "height": request.height,
            "num_frames": request.num_frames,
            "frame_rate": request.fps,
            "guidance_scale": request.guidance_scale,
            "max_sequence_length": self.text_length,
        }
        if request.spec.advanced is not None and request.spec.advanced.guidance_rescale is not None:
            asked["guidance_rescale"] = request.spec.advanced.guidance_rescale
        if self.vae.config.timestep_conditioning:
            asked |= {"decode_timestep": DECODE_TIMESTEP, "decode_noise_scale": DECODE_NOISE}
        if not self._conditions:
            return asked if request.image is None else asked | {"image": picture(request.image)}
        if request.video is not None:
            return asked | {"latents": self._encode(request), "denoise_strength": request.strength}
        ends = ((request.image, 0), (request.last_image, request.num_frames - 1))
        items = [LTXVideoCondition(image=picture(given), frame_index=at) for given, at in ends if given is not None]
        return asked | ({"conditions": items} if items else {})

    def generate(self, request: ClipRequest, on_step: OnStep) -> Tensor:
        latents = super().generate(request, on_step)
        if not self.vae.config.timestep_conditioning:
            return latents
        _, channels, frames, height, width = latents.shape
        noise = frame_noise(request.seed, 0, (channels, frames, height, width), use="/decode").to(latents)
        # latents are normalised here and noise is added to those that are not, as in training
        return self._normalised((1 - DECODE_NOISE) * self._restored(latents) + DECODE_NOISE * noise)

    def unpack(self, latents: Tensor, request: ClipRequest) -> Tensor:
        if latents.ndim == 5:
            return latents
        frames = (request.num_frames - 1) // self.vae.temporal_compression_ratio + 1
        side = self.vae.spatial_compression_ratio
        patch, patch_t = self.parts["transformer"].config.patch_size, self.parts["transformer"].config.patch_size_t
        size = (frames, request.height // side, request.width // side)
        unpacked: Tensor = LTXPipeline._unpack_latents(latents, *size, patch, patch_t)
        return unpacked

    def decode(self, latents: Tensor | Iterable[Tensor]) -> Iterator[Tensor]:
        with on_device(self.vae, self.device) as vae:
            restored = self._restored(whole(latents).to(self.device)).to(vae.dtype)
            timestep = None
            if vae.config.timestep_conditioning:
                timestep = torch.tensor([DECODE_TIMESTEP], device=self.device, dtype=vae.dtype)
            pixels = decoded(vae, lambda: vae.decode(restored, timestep, return_dict=False)[0])
            yield pixels.float().clamp(-1, 1)

    def _encode(self, request: ClipRequest) -> Tensor:
        """The source clip's latents (the posterior's mode), normalised."""
        assert request.video is not None
        with on_device(self.vae, self.device) as vae:
            pixels = to_pixels(request.video).to(self.device, vae.dtype)
            return self._normalised(vae.encode(pixels).latent_dist.mode().float())

    def _restored(self, latents: Tensor) -> Tensor:
        mean, std = self._statistics(latents)
        return latents * (std / float(self.vae.config.scaling_factor)) + mean

    def _normalised(self, latents: Tensor) -> Tensor:
        mean, std = self._statistics(latents)
        return (latents - mean) * (float(self.vae.config.scaling_factor) / std)

    def _statistics(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        shape = (1, -1, 1, 1, 1)
        return self.vae.latents_mean.to(latents).view(shape), self.vae.latents_std.to(latents).view(shape)

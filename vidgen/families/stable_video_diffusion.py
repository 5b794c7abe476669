"""Stable Video Diffusion: a picture to video, steered by how much should move; it takes no text (arXiv:2311.15127)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import torch
from diffusers import AutoencoderKLTemporalDecoder, StableVideoDiffusionPipeline, UNetSpatioTemporalConditionModel
from torch import Tensor
from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

from vidgen.families.description import Description, sides
from vidgen.families.diffusers_model import DiffusersModel, picture, whole
from vidgen.families.folder import ModelFolder
from vidgen.runtime.memory import on_device
from vidgen.spec import ConditioningRules, FrameRule, GuidanceRule, ModelRules, StepRule
from vidgen.stages.clip_model import ClipRequest

DECODE_GROUP = 14
"""Frames decoded at once: the decoder looks along time within a group, and its authors run it with so many."""
MOTION_BUCKET, NOISE_AUGMENTATION = 127, 0.02


class StableVideoDiffusion(DiffusersModel):
    components: ClassVar[Mapping[str, type | tuple[type, ...]]] = {
        "feature_extractor": CLIPImageProcessor,
        "image_encoder": CLIPVisionModelWithProjection,
        "unet": UNetSpatioTemporalConditionModel,
        "vae": AutoencoderKLTemporalDecoder,
    }

    @classmethod
    def describe(cls, folder: ModelFolder) -> Description:
        unet, vae = folder.config("unet"), folder.config("vae")
        pixel = 2 ** (len(vae["block_out_channels"]) - 1)
        frames = int(unet["num_frames"])
        rules = ModelRules(
            tasks=("image-to-video",),
            frames=FrameRule(min=2, max=frames, step=1, default=frames),
            sides=sides(pixel * 2 ** (len(unet["block_out_channels"]) - 1), width=1024, height=576),
            steps=StepRule(min=1, max=100, default=25),
            guidance=GuidanceRule(min=1.0, max=10.0, default=3.0),
            fps=7,
            prompt=False,
            negative_prompt=False,
            last_image="no",
            options=("motion_bucket_id", "noise_aug_strength"),
            conditioning=ConditioningRules(motion_strength="bucket"),
        )
        return Description(rules, 0)

    def pipeline(self, request: ClipRequest) -> Any:
        return StableVideoDiffusionPipeline(**self.parts, scheduler=self.scheduler(request))

    def arguments(self, request: ClipRequest) -> dict[str, Any]:
        assert request.image is not None
        options = request.spec.advanced
        bucket = None if options is None else options.motion_bucket_id
        noise = None if options is None else options.noise_aug_strength
        return {
            "image": picture(request.image),
            "width": request.width,
            "height": request.height,
            "num_frames": request.num_frames,
            "fps": request.fps,
            "max_guidance_scale": request.guidance_scale,
            "motion_bucket_id": _bucket(request.spec.motion_strength) if bucket is None else bucket,
            "noise_aug_strength": NOISE_AUGMENTATION if noise is None else noise,
            "decode_chunk_size": DECODE_GROUP,
        }

    def unpack(self, latents: Tensor, request: ClipRequest) -> Tensor:  # noqa: ARG002
        return latents.movedim(1, 2)

    def decode(self, latents: Tensor | Iterable[Tensor]) -> Iterator[Tensor]:
        frames = whole(latents)[0].movedim(1, 0)
        with on_device(self.vae, self.device) as vae:
            for group in torch.split(frames, DECODE_GROUP):
                scaled = group.to(self.device, vae.dtype) / vae.config.scaling_factor
                pixels: Tensor = vae.decode(scaled, num_frames=len(group)).sample
                yield pixels.float().clamp(-1, 1).movedim(0, 1)[None]


def _bucket(strength: float | None) -> int:
    """1 is the bucket that the authors run it with, 2 the highest but one."""
    return min(255, max(1, round(MOTION_BUCKET * (1.0 if strength is None else strength))))

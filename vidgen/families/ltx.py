"""LTX-Video: text and picture to video; checkpoints made for conditions also take a last picture and a clip.

arXiv:2501.00103. The decoder of its autoencoder looks both ways, so a clip is decoded at once, a long one in tiles that
overlap. Checkpoints made for conditions go on from latents: given ones have no noise, and the rest follows.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
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
from PIL import Image
from torch import Tensor
from transformers import T5EncoderModel, T5Tokenizer

from vidgen.families.description import Description, sides
from vidgen.families.diffusers_model import DiffusersModel, picture
from vidgen.families.folder import ModelFolder
from vidgen.families.tiled_decoding import in_tiles
from vidgen.families.tiles import decoded
from vidgen.media.tensor import to_pixels
from vidgen.runtime.memory import on_device
from vidgen.runtime.seeding import frame_noise
from vidgen.spec import FrameRule, GuidanceRule, LongRule, ModelRules, StepRule
from vidgen.spec.advanced import TURNING
from vidgen.stages.clip_model import ClipRequest

TEXT_LENGTH = 128
CONDITION_TEXT_LENGTH = 256
DECODE_TIMESTEP, DECODE_NOISE = 0.05, 0.025
"""Of autoencoders that finish the denoising while they decode: as their authors run them."""
LONGEST, TILES_SHARE = 257, 4
"""Frames that are made, and decoded, at once; latent frames over which two tiles of a longer clip are blended."""
LONG = LongRule(
    modes=("native",),
    max_frames=2401,
    window=120,
    overlap=24,
    overlap_min=8,
    overlap_max=48,
    anchor=0.25,
    condition_noise=0.15,
    led_by=("last_image",),
)
"""Overlap and the share of colours drawn back as in the authors' own long clips."""


class Ltx(DiffusersModel):
    components: ClassVar[Mapping[str, type | tuple[type, ...]]] = {
        "tokenizer": T5Tokenizer,
        "text_encoder": T5EncoderModel,
        "transformer": LTXVideoTransformer3DModel,
        "vae": AutoencoderKLLTXVideo,
    }
    weighted_prompts = True

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, **options)
        self.frame_group = int(self.vae.temporal_compression_ratio)

    @classmethod
    def describe(cls, folder: ModelFolder) -> Description:
        conditions = folder.pipeline == "LTXConditionPipeline"
        tasks = ("text-to-video", "image-to-video", *(("video-to-video",) if conditions else ()))
        rules = ModelRules(
            tasks=tasks,
            frames=FrameRule(min=9, max=LONGEST, step=8, default=121),
            sides=sides(32, width=704, height=480),
            steps=StepRule(min=1, max=100, default=40),
            guidance=GuidanceRule(min=1.0, max=10.0, default=3.0),
            fps=25,
            last_image="optional" if conditions else "no",
            options=("guidance_rescale", *TURNING, "step_cache", "loras"),
            weighted_prompts=True,
            long=LONG if conditions else None,
        )
        return Description(rules, CONDITION_TEXT_LENGTH if conditions else TEXT_LENGTH)

    @property
    def _conditions(self) -> bool:
        return self.folder.pipeline == "LTXConditionPipeline"

    def pipeline(self, request: ClipRequest) -> Any:
        if request.head is not None:
            going_on = GoingOn(**self.parts, scheduler=self.scheduler(request))
            going_on.head = request.head
            return going_on
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
        if request.head is not None:
            # the picture only says that there is a condition: what is given are latents
            there = [LTXVideoCondition(image=Image.new("RGB", (8, 8)))]
            if request.last_image is not None:
                end = request.num_frames - 1
                there.append(LTXVideoCondition(image=picture(request.last_image), frame_index=end))
            return asked | {"conditions": there, "image_cond_noise_scale": request.condition_noise}
        if request.video is not None:
            return asked | {"latents": self._encode(request), "denoise_strength": request.strength}
        ends = ((request.image, 0), (request.last_image, request.num_frames - 1))
        items = [LTXVideoCondition(image=picture(given), frame_index=at) for given, at in ends if given is not None]
        return asked | ({"conditions": items} if items else {})

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
        pieces = [latents] if isinstance(latents, Tensor) else latents
        group = self.frame_group
        tile = (LONGEST - 1) // group + 1
        yield from in_tiles(pieces, self._decoded, tile=tile, overlap=TILES_SHARE, group=group)

    def _decoded(self, latents: Tensor, first: int) -> Tensor:
        """Pixels of a stretch of latents; `first` is its place in the stream."""
        with on_device(self.vae, self.device) as vae:
            restored, timestep = self._restored(latents.to(self.device)), None
            if vae.config.timestep_conditioning:
                timestep = torch.tensor([DECODE_TIMESTEP], device=self.device, dtype=vae.dtype)
                _, channels, frames, height, width = latents.shape
                noise = frame_noise(0, 0, (channels, first + frames, height, width), use="/decode")[:, :, first:]
                # on latents that are not normalised, as in training
                restored = (1 - DECODE_NOISE) * restored + DECODE_NOISE * noise.to(restored)
            given = restored.to(vae.dtype)
            pixels: Tensor = decoded(vae, lambda: vae.decode(given, timestep, return_dict=False)[0])
            return pixels.float().clamp(-1, 1)

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


class GoingOn(LTXConditionPipeline):  # type: ignore[misc]
    """The pipeline on a window in the middle of a stream, whose first latents are there already: held without noise.

    A window's latents are groups of frames, the first one too: their times are those of a stream's second one and on.
    """

    head: Tensor

    def prepare_latents(
        self, pictures: list[Tensor], strengths: list[float], frames: list[int], *more: Any, **named: Any
    ) -> tuple[Tensor, Tensor, Tensor, int]:
        """Of the pictures the first stands for the head; others, at later frames, lie before the window's latents."""
        latents, mask, ids, before = super().prepare_latents(pictures[1:], strengths[1:], frames[1:], *more, **named)
        given = self._pack_latents(
            self.head.to(latents), self.transformer_spatial_patch_size, self.transformer_temporal_patch_size
        )
        head = slice(before, before + given.shape[1])
        if mask is None:
            mask = torch.zeros(latents.shape[:2], device=latents.device)
        latents[:, head], mask[:, head] = given, 1.0
        return latents, mask, self._in_the_middle(ids), before

    def _in_the_middle(self, ids: Tensor) -> Tensor:
        """Times of latents that all show a whole group: `8k + 1` where a stream's own are `8k - 7`, its first one 0."""
        group = self.vae_temporal_compression_ratio
        times = ids[:, 0]
        ids[:, 0] = torch.where(times == 0, 1, times + group)
        return ids

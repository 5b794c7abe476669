"""FramePack on HunyuanVideo: a picture (and a last one) to clips of any length, in memory that hardly grows.

arXiv:2504.12626. A clip is made in sections from its end to its beginning; each sees the given picture and, the more
coarsely the further away, what was made after it. Decoded sections overlap, and are faded into each other.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import torch
from diffusers import (
    AutoencoderKLHunyuanVideo,
    HunyuanVideoFramepackPipeline,
    HunyuanVideoFramepackTransformer3DModel,
)
from torch import Tensor
from transformers import (
    CLIPTextModel,
    CLIPTokenizer,
    LlamaModel,
    LlamaTokenizer,
    SiglipImageProcessor,
    SiglipVisionModel,
)

from vidgen.families.description import Description, sides
from vidgen.families.diffusers_model import DiffusersModel, picture, whole
from vidgen.families.folder import ModelFolder
from vidgen.families.tiles import decoded
from vidgen.runtime.memory import on_device
from vidgen.spec import FrameRule, GuidanceRule, ModelRules, StepRule
from vidgen.stages.clip_model import ClipRequest

TEXT_LENGTH = 256
SECTION = 9
"""Latent frames of a section."""
TEMPORAL = 4
STEP = SECTION * TEMPORAL
FADED = (SECTION - 1) * TEMPORAL + 1
"""Frames over which two decoded sections are faded into each other; also what the library counts as a section."""
MOST_SECTIONS = 50


class FramePack(DiffusersModel):
    components: ClassVar[Mapping[str, type | tuple[type, ...]]] = {
        "tokenizer": LlamaTokenizer,
        "text_encoder": LlamaModel,
        "tokenizer_2": CLIPTokenizer,
        "text_encoder_2": CLIPTextModel,
        "image_encoder": SiglipVisionModel,
        "feature_extractor": SiglipImageProcessor,
        "transformer": HunyuanVideoFramepackTransformer3DModel,
        "vae": AutoencoderKLHunyuanVideo,
    }

    @classmethod
    def describe(cls, folder: ModelFolder) -> Description:
        """Only whole sections: the last one ends on the last picture, so that nothing can be cut off there."""
        transformer, vae = folder.config("transformer"), folder.config("vae")
        multiple = int(vae.get("spatial_compression_ratio", 8)) * int(transformer["patch_size"])
        rules = ModelRules(
            tasks=("image-to-video",),
            frames=FrameRule(min=STEP + 1, max=STEP * MOST_SECTIONS + 1, step=STEP, default=4 * STEP + 1),
            sides=sides(multiple, width=832, height=480),
            steps=StepRule(min=1, max=100, default=25),
            guidance=GuidanceRule(min=1.0, max=15.0, default=9.0),
            fps=30,
            last_image="optional",
            negative_prompt=False,
            options=("shift", "loras"),
            prediction="flow_prediction",
        )
        return Description(rules, TEXT_LENGTH)

    def pipeline(self, request: ClipRequest) -> Any:
        return HunyuanVideoFramepackPipeline(**self.parts, scheduler=self.scheduler(request))

    def arguments(self, request: ClipRequest) -> dict[str, Any]:
        assert request.image is not None
        asked = {
            "prompt": request.spec.prompt,
            "image": picture(request.image),
            "width": request.width,
            "height": request.height,
            "num_frames": self.passes(request) * FADED,
            "latent_window_size": SECTION,
            "guidance_scale": request.guidance_scale,
            "max_sequence_length": self.text_length,
        }
        return asked if request.last_image is None else asked | {"last_image": picture(request.last_image)}

    def passes(self, request: ClipRequest) -> int:
        """One for each section."""
        return (request.num_frames - 1) // STEP

    def unpack(self, latents: Any, request: ClipRequest) -> Tensor:  # noqa: ARG002
        """The pipeline gives what it had after each section; the last is the whole clip."""
        found: Tensor = latents[-1] if isinstance(latents, list) else latents
        return found

    def decode(self, latents: Tensor | Iterable[Tensor]) -> Iterator[Tensor]:
        """From the beginning on, a section at a time with the one that follows it, as the library's sections lie."""
        joined = whole(latents)
        places = sections(joined.shape[2])
        pixels = self._pixels(joined[:, :, slice(*places[0])])
        for start, end in places[1:]:
            yield pixels[:, :, :-FADED].clamp(-1, 1)
            after = self._pixels(joined[:, :, start:end])
            pixels = torch.cat([faded(pixels[:, :, -FADED:], after[:, :, :FADED]), after[:, :, FADED:]], 2)
        yield pixels.clamp(-1, 1)

    def _pixels(self, latents: Tensor) -> Tensor:
        with on_device(self.vae, self.device) as vae:
            scaled = latents.to(self.device, vae.dtype) / vae.config.scaling_factor
            return decoded(vae, lambda: vae.decode(scaled).sample).float()


def sections(length: int) -> list[tuple[int, int]]:
    """Which of a clip's latent frames are decoded together, in time's order; a clip has `1 + n·SECTION` of them."""
    if length <= SECTION + 1:
        return [(0, length)]
    later = [(start, min(start + 2 * SECTION, length)) for start in range(SECTION + 1, length, SECTION)]
    return [(0, 2 * SECTION + 1), *later]


def faded(before: Tensor, after: Tensor) -> Tensor:
    """From the one to the other, evenly; both are `[1, 3, FADED, height, width]`."""
    share = torch.linspace(1, 0, before.shape[2], device=before.device).view(1, 1, -1, 1, 1)
    return share * before + (1 - share) * after

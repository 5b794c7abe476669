"""Latte: factorised attention over space and time; text to video (arXiv:2401.03048)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from diffusers import AutoencoderKL, LattePipeline, LatteTransformer3DModel
from torch import Tensor
from transformers import T5EncoderModel, T5Tokenizer

from vidgen.families.description import Description, sampling, sides
from vidgen.families.diffusers_model import DiffusersModel, decode_frames, whole
from vidgen.families.folder import ModelFolder
from vidgen.spec import FrameRule, GuidanceRule, ModelRules, StepRule
from vidgen.spec.advanced import TURNING
from vidgen.stages.clip_model import ClipRequest

TEXT_LENGTH = 120
"""Fixed by the pipeline."""
DECODE_GROUP = 4


class Latte(DiffusersModel):
    components: ClassVar[Mapping[str, type | tuple[type, ...]]] = {
        "tokenizer": T5Tokenizer,
        "text_encoder": T5EncoderModel,
        "transformer": LatteTransformer3DModel,
        "vae": AutoencoderKL,
    }

    @classmethod
    def describe(cls, folder: ModelFolder) -> Description:
        transformer, vae = folder.config("transformer"), folder.config("vae")
        frames = int(transformer.get("video_length", 16))
        pixel = 2 ** (len(vae["block_out_channels"]) - 1)
        side = int(transformer["sample_size"]) * pixel
        rules = ModelRules(
            tasks=("text-to-video",),
            # places in time were learned for so many frames and no others
            frames=FrameRule(min=frames, max=frames, step=1, default=frames),
            sides=sides(pixel * int(transformer["patch_size"]), width=side, height=side, largest=max(1024, side)),
            steps=StepRule(min=1, max=100, default=50),
            guidance=GuidanceRule(min=1.0, max=20.0, default=7.5),
            fps=8,
            options=("sampler", "schedule", "eta", *TURNING),
            **sampling(folder),
        )
        return Description(rules, TEXT_LENGTH)

    def pipeline(self, request: ClipRequest) -> Any:
        return LattePipeline(**self.parts, scheduler=self.scheduler(request))

    def arguments(self, request: ClipRequest) -> dict[str, Any]:
        eta = None if request.spec.advanced is None else request.spec.advanced.eta
        return {
            "prompt": request.spec.prompt,
            "negative_prompt": request.spec.negative_prompt,
            "width": request.width,
            "height": request.height,
            "video_length": request.num_frames,
            "guidance_scale": request.guidance_scale,
            "eta": eta or 0.0,
            "clean_caption": False,
        }

    def decode(self, latents: Tensor | Iterable[Tensor]) -> Iterator[Tensor]:
        yield from decode_frames(self.vae, whole(latents), DECODE_GROUP, self.device)

"""HunyuanVideo: text to video, guidance distilled into an input of the network (arXiv:2412.03603).

So guidance costs no second pass, and there is no negative prompt.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from diffusers import AutoencoderKLHunyuanVideo, HunyuanVideoPipeline, HunyuanVideoTransformer3DModel
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer, LlamaModel, LlamaTokenizer

from vidgen.errors import ModelError
from vidgen.families.description import Description, sides
from vidgen.families.diffusers_model import DiffusersModel, whole
from vidgen.families.folder import ModelFolder
from vidgen.families.tiles import decoded
from vidgen.runtime.memory import on_device
from vidgen.spec import FrameRule, GuidanceRule, ModelRules, StepRule
from vidgen.stages.clip_model import ClipRequest

TEXT_LENGTH = 256


class HunyuanVideo(DiffusersModel):
    components: ClassVar[Mapping[str, type | tuple[type, ...]]] = {
        "tokenizer": LlamaTokenizer,
        "text_encoder": LlamaModel,
        "tokenizer_2": CLIPTokenizer,
        "text_encoder_2": CLIPTextModel,
        "transformer": HunyuanVideoTransformer3DModel,
        "vae": AutoencoderKLHunyuanVideo,
    }

    @classmethod
    def describe(cls, folder: ModelFolder) -> Description:
        transformer, vae = folder.config("transformer"), folder.config("vae")
        if not transformer.get("guidance_embeds", True):
            raise ModelError("transformer: takes no guidance as an input; only distilled HunyuanVideo is read here")
        step = int(vae.get("temporal_compression_ratio", 4))
        multiple = int(vae.get("spatial_compression_ratio", 8)) * int(transformer["patch_size"])
        rules = ModelRules(
            tasks=("text-to-video",),
            frames=FrameRule(min=step + 1, max=129, step=step, default=129),
            sides=sides(multiple, width=1280, height=720),
            steps=StepRule(min=1, max=100, default=50),
            guidance=GuidanceRule(min=1.0, max=10.0, default=6.0),
            fps=24,
            negative_prompt=False,
            options=("shift", "step_cache", "loras"),
            prediction="flow_prediction",
        )
        return Description(rules, TEXT_LENGTH)

    def pipeline(self, request: ClipRequest) -> Any:
        return HunyuanVideoPipeline(**self.parts, scheduler=self.scheduler(request))

    def arguments(self, request: ClipRequest) -> dict[str, Any]:
        return {
            "prompt": request.spec.prompt,
            "width": request.width,
            "height": request.height,
            "num_frames": request.num_frames,
            "guidance_scale": request.guidance_scale,
            "max_sequence_length": self.text_length,
        }

    def decode(self, latents: Tensor | Iterable[Tensor]) -> Iterator[Tensor]:
        with on_device(self.vae, self.device) as vae:
            scaled = whole(latents).to(self.device, vae.dtype) / vae.config.scaling_factor
            yield decoded(vae, lambda: vae.decode(scaled).sample).float().clamp(-1, 1)

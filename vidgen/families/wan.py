"""Wan 2.1 and 2.2 without VACE: text, picture (and last picture) and clip to video; one expert or two.

arXiv:2503.20314. Which of these a folder can do follows from its transformer: those that take a picture have channels
for it beside the latents' own, and the small model of 2.2 keeps a given first latent by its timestep.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from diffusers import (
    AutoencoderKLWan,
    WanImageToVideoPipeline,
    WanPipeline,
    WanTransformer3DModel,
    WanVideoToVideoPipeline,
)
from torch import Tensor
from transformers import CLIPImageProcessor, CLIPVisionModel, T5Tokenizer, UMT5EncoderModel

from vidgen.families.description import Description, sampling, sides
from vidgen.families.diffusers_model import DiffusersModel, picture, pictures, whole
from vidgen.families.folder import ModelFolder
from vidgen.runtime.memory import on_device
from vidgen.spec import FrameRule, GuidanceRule, ModelRules, StepRule
from vidgen.spec.advanced import TURNING
from vidgen.spec.rules import LastImage
from vidgen.stages.clip_model import ClipRequest
from vidgen_models.nets.causal_conv import use_onednn_convolutions
from vidgen_models.nets.wan import decode_stream

TEXT_LENGTH = 512
SAMPLERS = ("euler", "unipc", "dpmpp-2m")
"""Those that draw no noise of their own: the pipelines hand the seed to no other."""


class Wan(DiffusersModel):
    components: ClassVar[Mapping[str, type | tuple[type, ...]]] = {
        "tokenizer": T5Tokenizer,
        "text_encoder": UMT5EncoderModel,
        "image_processor": CLIPImageProcessor,
        "image_encoder": CLIPVisionModel,
        "transformer": WanTransformer3DModel,
        "transformer_2": WanTransformer3DModel,
        "vae": AutoencoderKLWan,
    }
    weighted_prompts = True
    skips_unguided = True
    full_precision = frozenset({"vae"})

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, **options)
        use_onednn_convolutions(self.vae)

    @classmethod
    def describe(cls, folder: ModelFolder) -> Description:
        vae, transformer = folder.config("vae"), folder.config(_expert(folder))
        small_2_2 = bool(folder.index.get("expand_timesteps"))
        multiple = int(vae.get("scale_factor_spatial", 8)) * transformer["patch_size"][1]
        step = int(vae.get("scale_factor_temporal", 4))
        default = 121 if small_2_2 else 81
        width, height = (1280, 704) if small_2_2 else (832, 480)
        rules = ModelRules(
            tasks=_tasks(folder),
            frames=FrameRule(min=step + 1, max=default, step=step, default=default),
            sides=sides(multiple, width=width, height=height),
            steps=StepRule(min=1, max=100, default=50),
            guidance=GuidanceRule(min=1.0, max=10.0, default=5.0),
            fps=24 if small_2_2 else 16,
            last_image=_last_image(folder),
            # a LoRA for two experts is two, and which is whose no file says
            options=("sampler", "shift", "shift_by_size", *TURNING, "step_cache")
            + (() if folder.has("transformer_2") else ("loras",)),
            weighted_prompts=True,
            regions=True,
            **sampling(folder, SAMPLERS),
        )
        return Description(rules, TEXT_LENGTH)

    def pipeline(self, request: ClipRequest) -> Any:
        shared = {name: self.parts[name] for name in ("tokenizer", "text_encoder", "transformer", "vae")}
        shared["scheduler"] = self.scheduler(request)
        if request.video is not None:
            return WanVideoToVideoPipeline(**shared)
        index = self.folder.index
        experts = {
            "transformer_2": self.parts["transformer_2"],
            "boundary_ratio": index.get("boundary_ratio"),
            "expand_timesteps": bool(index.get("expand_timesteps")),
        }
        if request.image is None:
            return WanPipeline(**shared, **experts)
        eyes = {name: self.parts[name] for name in ("image_encoder", "image_processor")}
        return WanImageToVideoPipeline(**shared, **eyes, **experts)

    def arguments(self, request: ClipRequest) -> dict[str, Any]:
        asked = self.asked(request)
        if request.video is not None:
            return asked | {"video": pictures(request.video), "strength": request.strength}
        asked["num_frames"] = request.num_frames
        if request.image is not None:
            asked["image"] = picture(request.image)
        if request.last_image is not None:
            asked["last_image"] = picture(request.last_image)
        return asked

    def decode(self, latents: Tensor | Iterable[Tensor]) -> Iterator[Tensor]:
        with on_device(self.vae, self.device) as vae:
            yield from decode_stream(vae, whole(latents))


def _expert(folder: ModelFolder) -> str:
    return "transformer" if folder.has("transformer") else "transformer_2"


def _takes_picture(folder: ModelFolder) -> bool:
    """Whether the transformer has channels for a picture beside those of the latents."""
    transformer = folder.config(_expert(folder))
    return int(transformer["in_channels"]) > int(folder.config("vae")["z_dim"])


def _tasks(folder: ModelFolder) -> tuple[str, ...]:
    if _takes_picture(folder):
        return ("image-to-video",)
    if folder.index.get("expand_timesteps"):
        return ("text-to-video", "image-to-video")
    # the restyle pipeline knows one expert only
    return ("text-to-video",) if folder.has("transformer_2") else ("text-to-video", "video-to-video")


def _last_image(folder: ModelFolder) -> LastImage:
    """2.1 reads pictures with CLIP: either the first alone, or always both; 2.2 sees them in the latents."""
    if not _takes_picture(folder):
        return "no"
    transformer = folder.config(_expert(folder))
    if transformer.get("image_dim") is None:
        return "optional"
    return "no" if transformer.get("pos_embed_seq_len") is None else "required"

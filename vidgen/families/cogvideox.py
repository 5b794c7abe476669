"""CogVideoX 1.0 and 1.5: text, picture or clip to video (arXiv:2408.06072); Fun control follows a control video."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from diffusers import (
    AutoencoderKLCogVideoX,
    CogVideoXFunControlPipeline,
    CogVideoXImageToVideoPipeline,
    CogVideoXPipeline,
    CogVideoXTransformer3DModel,
    CogVideoXVideoToVideoPipeline,
)
from torch import Tensor
from transformers import T5EncoderModel, T5Tokenizer

from vidgen.families.description import Description, sampling, sides
from vidgen.families.diffusers_model import DiffusersModel, picture, pictures, whole
from vidgen.families.folder import ModelFolder
from vidgen.runtime.memory import on_device
from vidgen.spec import ConditioningRules, FrameRule, GuidanceRule, ModelRules, SideRule, StepRule
from vidgen.spec.advanced import TURNING
from vidgen.stages.clip_model import ClipRequest
from vidgen_models.nets.cogvideox import decode_stream

LONGEST_1_5 = 161
CONTROL = "CogVideoXFunControlPipeline"
CONTROLLED = ConditioningRules(
    controls=("canny", "depth", "pose", "soft-edge"), controls_at_once=1, controls_needed="one", control_shares=False
)
"""What the published networks were trained to follow."""


class CogVideoX(DiffusersModel):
    components: ClassVar[Mapping[str, type | tuple[type, ...]]] = {
        "tokenizer": T5Tokenizer,
        "text_encoder": T5EncoderModel,
        "transformer": CogVideoXTransformer3DModel,
        "vae": AutoencoderKLCogVideoX,
    }
    weighted_prompts = True
    time_axis = 1

    @classmethod
    def describe(cls, folder: ModelFolder) -> Description:
        transformer = folder.config("transformer")
        frames, grouped = int(transformer["sample_frames"]), transformer.get("patch_size_t") is not None
        step = int(transformer.get("temporal_compression_ratio", 4))
        default = (frames - 1) // step * step + 1
        longest = max(default, LONGEST_1_5) if grouped else default
        rules = ModelRules(
            tasks=_tasks(folder),
            frames=FrameRule(min=step + 1, max=longest, step=step, default=default),
            sides=_sides(folder),
            steps=StepRule(min=1, max=100, default=50),
            guidance=GuidanceRule(min=1.0, max=15.0, default=6.0),
            fps=16 if grouped else 8,
            strength=0.8,
            last_image="no",
            options=("sampler", *TURNING, "step_cache", "loras"),
            weighted_prompts=True,
            regions=True,
            conditioning=CONTROLLED if folder.pipeline == CONTROL else ConditioningRules(),
            **sampling(folder),
        )
        return Description(rules, int(transformer.get("max_text_seq_length", 226)))

    def pipeline(self, request: ClipRequest) -> Any:
        kind: Any = CogVideoXFunControlPipeline if request.controls else CogVideoXPipeline
        if request.image is not None:
            kind = CogVideoXImageToVideoPipeline
        elif request.video is not None:
            kind = CogVideoXVideoToVideoPipeline
        return kind(**self.parts, scheduler=self.scheduler(request))

    def arguments(self, request: ClipRequest) -> dict[str, Any]:
        asked = self.asked(request)
        if request.video is not None:
            return asked | {"video": pictures(request.video), "strength": request.strength}
        if request.controls:
            return asked | {"control_video": pictures(request.controls[0].frames)}
        asked["num_frames"] = request.num_frames
        return asked if request.image is None else asked | {"image": picture(request.image)}

    def unpack(self, latents: Tensor, request: ClipRequest) -> Tensor:
        """Time second instead of first, and without the frames that 1.5 puts in front to fill its last patch."""
        frames = (request.num_frames - 1) // self.vae.config.temporal_compression_ratio + 1
        return latents.movedim(1, 2)[:, :, -int(frames) :]

    def decode(self, latents: Tensor | Iterable[Tensor]) -> Iterator[Tensor]:
        with on_device(self.vae, self.device) as vae:
            yield from decode_stream(vae, whole(latents))


def _tasks(folder: ModelFolder) -> tuple[str, ...]:
    transformer = folder.config("transformer")
    if folder.pipeline == CONTROL:
        return ("text-to-video",)
    if int(transformer["in_channels"]) > int(folder.config("vae")["latent_channels"]):
        return ("image-to-video",)
    # 1.5 patches pairs of latent frames, which a source of 4k+1 frames does not come in
    return ("text-to-video",) if transformer.get("patch_size_t") else ("text-to-video", "video-to-video")


def _sides(folder: ModelFolder) -> SideRule:
    """Learned positions hold for one size only."""
    transformer, vae = folder.config("transformer"), folder.config("vae")
    pixel = 2 ** (len(vae["block_out_channels"]) - 1)
    width, height = int(transformer["sample_width"]) * pixel, int(transformer["sample_height"]) * pixel
    if transformer.get("use_learned_positional_embeddings") and width == height:
        return SideRule(min=width, max=width, multiple=width, default_width=width, default_height=height)
    multiple = pixel * int(transformer["patch_size"])
    return sides(multiple, width=width, height=height)

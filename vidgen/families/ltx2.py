"""LTX-2: picture and sound made together, from text, a first picture and a last one (LTX-2, 2.3).

Guidance is the authors': beside the usual one, away from a network with perturbed attention (arXiv:2411.18664) and from
one whose picture and sound do not hear each other. Guidance of 1 switches all of it off, as distilled checkpoints want.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from diffusers import (
    AutoencoderKLLTX2Audio,
    AutoencoderKLLTX2Video,
    LTX2ConditionPipeline,
    LTX2ImageToVideoPipeline,
    LTX2Pipeline,
    LTX2VideoTransformer3DModel,
)
from diffusers.pipelines.ltx2 import LTX2TextConnectors, LTX2Vocoder, LTX2VocoderWithBWE
from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition
from torch import Tensor
from transformers import Gemma3ForConditionalGeneration, GemmaTokenizer

from vidgen.errors import ModelError
from vidgen.families.description import Description, sides
from vidgen.families.diffusers_model import DiffusersModel, picture, whole
from vidgen.families.folder import ModelFolder
from vidgen.families.tiles import decoded
from vidgen.runtime.memory import on_device
from vidgen.runtime.waveform import Waveform
from vidgen.spec import FrameRule, GuidanceRule, ModelRules, StepRule
from vidgen.stages.clip_model import ClipRequest

TEXT_LENGTH = 1024
LONGEST = 481
"""20 seconds at 24 frames a second."""
PERTURBED_BLOCK = {False: 29, True: 28}
"""The block whose attention is perturbed, by whether the network is of 2.3."""
AUDIO_GUIDANCE = 7.0
NO_GUIDANCE: Mapping[str, Any] = {
    "stg_scale": 0.0,
    "modality_scale": 1.0,
    "guidance_rescale": 0.0,
    "audio_guidance_scale": 1.0,
    "audio_stg_scale": 0.0,
    "audio_modality_scale": 1.0,
    "audio_guidance_rescale": 0.0,
}


class Ltx2(DiffusersModel):
    components: ClassVar[Mapping[str, type | tuple[type, ...]]] = {
        "tokenizer": GemmaTokenizer,
        "text_encoder": Gemma3ForConditionalGeneration,
        "connectors": LTX2TextConnectors,
        "transformer": LTX2VideoTransformer3DModel,
        "vae": AutoencoderKLLTX2Video,
        "audio_vae": AutoencoderKLLTX2Audio,
        "vocoder": (LTX2Vocoder, LTX2VocoderWithBWE),
    }
    previews = False  # the pipeline copies its scheduler for the sound

    @classmethod
    def describe(cls, folder: ModelFolder) -> Description:
        vae = folder.config("vae")
        if folder.has("duration_head") or folder.has("prompt_enhancer"):
            raise ModelError(f"{folder.path.name}: LTX-2.5 is not read here; LTX-2 and 2.3 are")
        if vae.get("timestep_conditioning"):
            raise ModelError("vae: finishes the denoising while it decodes, which is not done here for LTX-2")
        step, multiple = (
            int(vae.get("temporal_compression_ratio") or 8),
            int(vae.get("spatial_compression_ratio") or 32),
        )
        rules = ModelRules(
            tasks=("text-to-video", "image-to-video"),
            frames=FrameRule(min=step + 1, max=LONGEST, step=step, default=121),
            sides=sides(multiple, width=768, height=512),
            steps=StepRule(min=1, max=100, default=40),
            guidance=GuidanceRule(min=1.0, max=10.0, default=3.0),
            fps=24,
            last_image="optional",
            options=("guidance_rescale", "loras"),
            sound=True,
        )
        return Description(rules, TEXT_LENGTH)

    def pipeline(self, request: ClipRequest) -> Any:
        kind: Any = LTX2Pipeline if request.image is None else LTX2ImageToVideoPipeline
        if request.last_image is not None:
            kind = LTX2ConditionPipeline
        return kind(**self.parts, scheduler=self.scheduler(request))

    def arguments(self, request: ClipRequest) -> dict[str, Any]:
        asked = self.asked(request) | {
            "num_frames": request.num_frames,
            "frame_rate": request.fps,
            "use_cross_timestep": self._is_2_3,
        }
        asked |= self._guidance(request)
        if request.last_image is None:
            return asked if request.image is None else asked | {"image": picture(request.image)}
        # places are counted in groups of frames here, and a place beyond the last would be passed over in silence
        ends = ((request.image, 0), (request.last_image, -1))
        return asked | {
            "conditions": [
                LTX2VideoCondition(frames=picture(given), index=at) for given, at in ends if given is not None
            ]
        }

    def unpack(self, latents: Tensor, request: ClipRequest) -> Tensor:  # noqa: ARG002
        """The pipeline gives them as the autoencoder takes them."""
        return latents

    def decode(self, latents: Tensor | Iterable[Tensor]) -> Iterator[Tensor]:
        with on_device(self.vae, self.device) as vae:
            given = whole(latents).to(self.device, vae.dtype)
            pixels = decoded(vae, lambda: vae.decode(given, None, return_dict=False)[0])
            yield pixels.float().clamp(-1, 1)

    def hear(self, output: Any, request: ClipRequest) -> None:
        if request.on_sound is None:
            return
        with on_device(self.parts["audio_vae"], self.device) as audio_vae:
            spectrogram = audio_vae.decode(output.audio.to(self.device, audio_vae.dtype), return_dict=False)[0]
        with on_device(self.parts["vocoder"], self.device) as vocoder:
            samples: Tensor = vocoder(spectrogram.to(vocoder.dtype))
        rate = int(self.parts["vocoder"].config.output_sampling_rate)
        request.on_sound(Waveform(samples[0].float().cpu().numpy(), rate))

    @property
    def _is_2_3(self) -> bool:
        return bool(self.parts["transformer"].config.cross_attn_mod)

    def _guidance(self, request: ClipRequest) -> dict[str, Any]:
        if request.guidance_scale <= 1:
            return dict(NO_GUIDANCE)
        block = min(PERTURBED_BLOCK[self._is_2_3], self.parts["transformer"].config.num_layers - 1)
        asked: dict[str, Any] = {
            "spatio_temporal_guidance_blocks": [block],
            "audio_guidance_scale": max(AUDIO_GUIDANCE, request.guidance_scale),
        }
        if request.spec.advanced is not None and request.spec.advanced.guidance_rescale is not None:
            asked["guidance_rescale"] = request.spec.advanced.guidance_rescale
        return asked

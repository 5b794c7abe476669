"""Lucy Edit: a clip changed as the prompt instructs ("make it winter"), on the network of Wan 2.2.

The source's latents lie beside the noise at every step, channel by channel, and nothing is said of a strength.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from diffusers import AutoencoderKLWan, LucyEditPipeline, WanTransformer3DModel
from transformers import T5Tokenizer, UMT5EncoderModel

from vidgen.errors import ModelError
from vidgen.families.description import Description
from vidgen.families.diffusers_model import pictures
from vidgen.families.folder import ModelFolder
from vidgen.families.wan import Wan
from vidgen.spec import FrameRule
from vidgen.stages.clip_model import ClipRequest

LONGEST = 81


class LucyEdit(Wan):
    components: ClassVar[Mapping[str, type | tuple[type, ...]]] = {
        "tokenizer": T5Tokenizer,
        "text_encoder": UMT5EncoderModel,
        "transformer": WanTransformer3DModel,
        "transformer_2": WanTransformer3DModel,
        "vae": AutoencoderKLWan,
    }

    @classmethod
    def describe(cls, folder: ModelFolder) -> Description:
        """As Wan's of such networks, but for the one task. Raises ModelError where no source fits beside the noise."""
        channels, latents = int(folder.config("transformer")["in_channels"]), int(folder.config("vae")["z_dim"])
        if channels != 2 * latents:
            raise ModelError(f"transformer: {channels} channels; an edit needs {2 * latents}, noise and source")
        said = super().describe(folder)
        step = said.rules.frames.step
        told = {
            "tasks": ("video-to-video",),
            "frames": FrameRule(min=step + 1, max=LONGEST, step=step, default=LONGEST),
            "last_image": "no",
            "restyle": "instruction",
            "strength": 1.0,
        }
        return Description(said.rules.model_copy(update=told), said.text_length)

    def pipeline(self, request: ClipRequest) -> Any:
        index = self.folder.index
        return LucyEditPipeline(
            **self.parts,
            scheduler=self.scheduler(request),
            boundary_ratio=index.get("boundary_ratio"),
            expand_timesteps=bool(index.get("expand_timesteps")),
        )

    def arguments(self, request: ClipRequest) -> dict[str, Any]:
        assert request.video is not None
        return self.asked(request) | {"video": pictures(request.video), "num_frames": request.num_frames}

"""Wan 2.2 Animate: the character of a picture moves as in a pose video and looks as in a face video (arXiv:2509.14055).

Video-to-video puts that character in the place of whoever is under the mask; around it the clip stays.

A clip is made in segments of 77 frames; each is decoded before the next one, which goes on from its last frame. So what
the pipeline gives are pictures, and not latents.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from diffusers import AutoencoderKLWan, WanAnimatePipeline, WanAnimateTransformer3DModel
from PIL import Image
from torch import Tensor
from transformers import CLIPImageProcessor, CLIPVisionModel, T5Tokenizer, UMT5EncoderModel

from vidgen.families.description import Description, sampling, sides
from vidgen.families.diffusers_model import DiffusersModel, picture, pictures
from vidgen.families.folder import ModelFolder
from vidgen.spec import ConditioningRules, FrameRule, GuidanceRule, ModelRules, StepRule
from vidgen.spec.advanced import TURNING
from vidgen.stages.clip_model import ClipRequest
from vidgen_models.nets.causal_conv import use_onednn_convolutions

TEXT_LENGTH = 512
SEGMENT = 77
CARRIED = 1
"""Frames of a segment that the next one begins with."""
MOST_SEGMENTS = 8
SAMPLERS = ("euler", "unipc", "dpmpp-2m")


class WanAnimate(DiffusersModel):
    skips_unguided = True
    components: ClassVar[Mapping[str, type | tuple[type, ...]]] = {
        "tokenizer": T5Tokenizer,
        "text_encoder": UMT5EncoderModel,
        "image_processor": CLIPImageProcessor,
        "image_encoder": CLIPVisionModel,
        "transformer": WanAnimateTransformer3DModel,
        "vae": AutoencoderKLWan,
    }
    full_precision = frozenset({"vae"})
    weighted_prompts = True
    output = "pt"
    previews = False

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, **options)
        use_onednn_convolutions(self.vae)

    @classmethod
    def describe(cls, folder: ModelFolder) -> Description:
        vae, transformer = folder.config("vae"), folder.config("transformer")
        multiple = int(vae.get("scale_factor_spatial", 8)) * int(transformer["patch_size"][1])
        step = int(vae.get("scale_factor_temporal", 4))
        longest = MOST_SEGMENTS * (SEGMENT - CARRIED) + CARRIED
        rules = ModelRules(
            tasks=("image-to-video", "video-to-video"),
            frames=FrameRule(min=step + 1, max=longest, step=step, default=SEGMENT),
            sides=sides(multiple, width=832, height=480),
            steps=StepRule(min=1, max=100, default=20),
            guidance=GuidanceRule(min=1.0, max=10.0, default=1.0),
            fps=30,
            last_image="no",
            restyle="replacement",
            strength=1.0,
            options=("sampler", "shift", "shift_by_size", *TURNING, "loras"),
            weighted_prompts=True,
            conditioning=ConditioningRules(
                controls=("pose", "face"),
                controls_at_once=2,
                controls_needed="each",
                control_shares=False,
                mask=True,
                references=1,
            ),
            **sampling(folder, SAMPLERS),
        )
        return Description(rules, TEXT_LENGTH)

    def pipeline(self, request: ClipRequest) -> Any:
        return WanAnimatePipeline(**self.parts, scheduler=self.scheduler(request))

    def arguments(self, request: ClipRequest) -> dict[str, Any]:
        given = {control.kind: pictures(control.frames) for control in request.controls}
        return (
            self.asked(request)
            | _character(request)
            | {
                "pose_video": given["pose"],
                "face_video": [self._face(frame) for frame in given["face"]],
                "segment_frame_length": min(SEGMENT, request.num_frames),
                "prev_segment_conditioning_frames": CARRIED,
            }
        )

    def passes(self, request: ClipRequest) -> int:
        """One for each segment."""
        length = min(SEGMENT, request.num_frames) - CARRIED
        return -(-(request.num_frames - CARRIED) // length)

    def unpack(self, latents: Tensor, request: ClipRequest) -> Tensor:  # noqa: ARG002
        """Pictures `[1, frames, 3, height, width]` in 0..1 as `[1, 3, frames, height, width]` in -1..1."""
        return latents.movedim(1, 2) * 2 - 1

    def decode(self, latents: Tensor | Iterable[Tensor]) -> Iterator[Tensor]:
        """They are pictures already."""
        yield from (latents,) if isinstance(latents, Tensor) else latents

    def _face(self, frame: Image.Image) -> Image.Image:
        side = int(self.parts["transformer"].config.motion_encoder_size)
        return frame.resize((side, side))


def _character(request: ClipRequest) -> dict[str, Any]:
    """Who moves, and in a clip that is given, where: white is made anew."""
    if request.video is None or request.mask is None:
        assert request.image is not None
        return {"image": picture(request.image)}
    return {
        "image": picture(request.references[0]),
        "mode": "replace",
        "background_video": pictures(request.video),
        "mask_video": [Image.fromarray(plane) for plane in np.uint8(255) * (request.mask > 0.5)],
    }

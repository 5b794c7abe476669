"""AnimateDiff: a still-picture UNet with motion modules (arXiv:2307.04725); text or clip to video.

A folder holds either the joined network, or a still-picture one and the motion adapter that it is joined with here.
Clips longer than the motion modules know are made by FreeNoise (arXiv:2310.15169): attention in windows that are
blended, over noise that returns in another order. Still longer ones are made in pieces, each so, over their part of the
whole clip's noise; what two share is held at every step. FreeInit (arXiv:2312.07537) makes a clip again from its coarse
part.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, get_args

import torch
from diffusers import (
    AnimateDiffControlNetPipeline,
    AnimateDiffPipeline,
    AnimateDiffVideoToVideoControlNetPipeline,
    AnimateDiffVideoToVideoPipeline,
    AutoencoderKL,
    ControlNetModel,
    MotionAdapter,
    SparseControlNetModel,
    UNet2DConditionModel,
    UNetMotionModel,
)
from torch import Tensor
from transformers import CLIPImageProcessor, CLIPTextModel, CLIPTokenizer, CLIPVisionModelWithProjection

from vidgen.errors import ModelError
from vidgen.families.control_networks import following, further_networks, network_folders
from vidgen.families.description import Description, sampling, sides
from vidgen.families.diffusers_model import DiffusersModel, decode_frames, picture, pictures, whole
from vidgen.families.folder import ModelFolder
from vidgen.families.ip_adapter import adapter_file, put_in, take_out
from vidgen.families.sparse_control import SparseControlPipeline, draws_scribbles, scribbled
from vidgen.spec import ConditioningRules, FrameRule, GuidanceRule, LongRule, ModelRules, StepRule
from vidgen.spec.advanced import TURNING
from vidgen.spec.conditioning.control import ControlKind
from vidgen.stages.clip_model import ClipRequest

TEXT_LENGTH = 77
DECODE_GROUP = 4
WINDOW, STRIDE = 16, 4
"""Frames that see each other in clips longer than the motion modules know, and by how many the next ones lie apart."""
LONGEST = 128
LONG = LongRule(
    modes=("native",),
    max_frames=1024,
    window=64,
    overlap=WINDOW,
    overlap_min=STRIDE,
    overlap_max=2 * WINDOW,
    anchor=0.0,
    condition_noise=0.0,
    led_by=("video", "controls", "references"),
)
"""Pieces that share as many frames as see each other."""


class AnimateDiff(DiffusersModel):
    components: ClassVar[Mapping[str, type | tuple[type, ...]]] = {
        "tokenizer": CLIPTokenizer,
        "text_encoder": CLIPTextModel,
        "unet": (UNetMotionModel, UNet2DConditionModel),
        "motion_adapter": MotionAdapter,
        "image_encoder": CLIPVisionModelWithProjection,
        "feature_extractor": CLIPImageProcessor,
        "controlnet": (ControlNetModel, SparseControlNetModel),
        "vae": AutoencoderKL,
    }
    weighted_prompts = True
    frame_group = 1

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, **options)
        if isinstance(self.parts["unet"], UNet2DConditionModel):
            joined = UNetMotionModel.from_unet2d(self.parts["unet"], self.parts["motion_adapter"])
            self.parts["unet"] = joined.eval().requires_grad_(False)
        self.parts["motion_adapter"] = None
        self._looking = adapter_file(folder)
        others = [] if _is_sparse(self.folder) else further_networks(self.folder, self._dtype)
        home = "cpu" if self._offload else self.device
        self._followers = [self.parts["controlnet"], *(network.to(home) for network in others)]
        # tokenizers that were saved without a length would take texts that the encoder cannot
        self.parts["tokenizer"].model_max_length = self.text_length

    @classmethod
    def describe(cls, folder: ModelFolder) -> Description:
        unet, motion = folder.config("unet"), folder.config(_motion(folder))
        vae = folder.config("vae")
        pixel = 2 ** (len(vae["block_out_channels"]) - 1)
        multiple = pixel * 2 ** (len(unet["block_out_channels"]) - 1)
        known = int(motion.get("motion_max_seq_length", 32))
        rules = ModelRules(
            tasks=("text-to-video", "video-to-video"),
            frames=FrameRule(
                min=2, max=known if _is_sparse(folder) else max(LONGEST, known), step=1, default=min(WINDOW, known)
            ),
            sides=sides(multiple, width=512, height=512, largest=1024),
            steps=StepRule(min=1, max=100, default=25),
            guidance=GuidanceRule(min=1.0, max=20.0, default=7.5),
            fps=8,
            options=("sampler", "schedule", "eta", *TURNING, "loras", "embeddings", "free_init"),
            weighted_prompts=True,
            keyframes=_is_sparse(folder),
            conditioning=_conditioning(folder),
            long=None if _is_sparse(folder) else LONG,
            **sampling(folder),
        )
        return Description(rules, TEXT_LENGTH)

    def pipeline(self, request: ClipRequest) -> Any:
        made = self._kind(request)(**self._parts(request), scheduler=self.scheduler(request))
        take_out(made)
        if request.references and self._looking is not None:
            made = self._kind(request)(**self._parts(request), scheduler=made.scheduler)
            put_in(made, self._looking)
        # the windows lie in the network, which the next clip shares
        if request.num_frames > self._known:
            made.motion_adapter = SimpleNamespace(config=SimpleNamespace(motion_max_seq_length=self._known))
            made.enable_free_noise(context_length=min(WINDOW, self._known), context_stride=STRIDE)
        elif not _is_sparse(self.folder):  # those are never longer
            made.disable_free_noise()
        if self.passes(request) > 1:
            made.enable_free_init(num_iters=self.passes(request))
        return made

    def _kind(self, request: ClipRequest) -> Any:
        if request.keyframes:
            return SparseControlPipeline
        if request.controls:
            restyle = AnimateDiffVideoToVideoControlNetPipeline
            return AnimateDiffControlNetPipeline if request.video is None else restyle
        return AnimateDiffPipeline if request.video is None else AnimateDiffVideoToVideoPipeline

    def _parts(self, request: ClipRequest) -> dict[str, Any]:
        """Without the control network where nothing is to be followed, else with those that follow what is given."""
        parts = {name: part for name, part in self.parts.items() if name != "controlnet"}
        if request.keyframes:
            return parts | {"controlnet": self.parts["controlnet"]}
        if request.controls:
            network, _ = following(self._followers, self.conditioning.controls, request.controls, 1)
            return parts | {"controlnet": network}
        return parts

    def passes(self, request: ClipRequest) -> int:
        """As many as FreeInit is asked for."""
        return (request.spec.advanced and request.spec.advanced.free_init) or 1

    @property
    def _known(self) -> int:
        """How many frames the motion modules were made for."""
        return int(self.parts["unet"].config.motion_max_seq_length)

    def arguments(self, request: ClipRequest) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "prompt": request.spec.prompt,
            "negative_prompt": request.spec.negative_prompt,
            "width": request.width,
            "height": request.height,
            "guidance_scale": request.guidance_scale,
        }
        if request.spec.advanced is not None and request.spec.advanced.eta is not None:
            asked["eta"] = request.spec.advanced.eta
        asked |= self._followed(request)
        if request.video is not None:
            return asked | {"video": pictures(request.video), "strength": request.strength}
        if request.place is not None:
            asked["latents"] = self._noise(request)
        return asked | {"num_frames": request.num_frames}

    def after_step(self, pipeline: Any, timestep: Any, tensors: dict[str, Any], request: ClipRequest) -> dict[str, Any]:
        """What a piece of a longer clip begins with is put back, with the noise of the next step."""
        if request.head is None:
            return tensors
        latents, count = tensors["latents"], request.head.shape[2]
        later = pipeline.scheduler.timesteps[int((pipeline.scheduler.timesteps == timestep).nonzero()[-1]) + 1 :]
        held = request.head.to(latents)
        if len(later):
            held = pipeline.scheduler.add_noise(held, self._noise(request)[:, :, :count].to(latents), later[:1])
        latents = torch.cat([held, latents[:, :, count:]], 2)
        return tensors | {"latents": latents}

    def _noise(self, request: ClipRequest) -> Tensor:
        """A piece's part of the whole clip's noise, in FreeNoise's order: far frames are like near ones."""
        frames, scale = request.spec.num_frames or 0, 2 ** (len(self.vae.config.block_out_channels) - 1)
        generator = torch.Generator("cpu").manual_seed(request.stream_seed)
        shape = (1, self.parts["unet"].config.in_channels, frames, request.height // scale, request.width // scale)
        noise = torch.randn(shape, generator=generator)
        size = min(WINDOW, self._known)
        for start in range(size, frames, STRIDE):
            again = start - size + torch.randperm(STRIDE, generator=generator)[: frames - start]
            noise[:, :, start : start + len(again)] = noise[:, :, again]
        begin = request.place or 0
        return noise[:, :, begin : begin + request.num_frames].to(self.device, self._dtype)

    def _followed(self, request: ClipRequest) -> dict[str, Any]:
        """What the control networks and the adapter of pictures are given."""
        told = {"ip_adapter_image": picture(request.references[0])} if request.references else {}
        if request.keyframes:
            draw = scribbled if draws_scribbles(self.folder) else picture
            return told | {
                "conditioning_frames": [draw(shown) for shown in request.keyframes.values()],
                "controlnet_frame_indices": list(request.keyframes),
            }
        if not request.controls:
            return told
        steps = self._steps(request)
        return told | following(self._followers, self.conditioning.controls, request.controls, steps)[1]

    def _steps(self, request: ClipRequest) -> int:
        """How many steps the sampler makes of those asked for; of a restyle as the pipeline counts them."""
        scheduler, asked = self.scheduler(request), request.num_inference_steps
        scheduler.set_timesteps(asked)
        left_out = 0 if request.video is None else asked - min(asked, int(asked * request.strength))
        return max(1, len(scheduler.timesteps) - left_out * int(scheduler.order))

    def decode(self, latents: Tensor | Iterable[Tensor]) -> Iterator[Tensor]:
        yield from decode_frames(self.vae, whole(latents), DECODE_GROUP, self.device)


def _is_sparse(folder: ModelFolder) -> bool:
    return folder.has("controlnet") and folder.config("controlnet").get("_class_name") == "SparseControlNetModel"


def _conditioning(folder: ModelFolder) -> ConditioningRules:
    """Controls of every kind: which one a ControlNet was trained on, its files do not say."""
    kinds: tuple[ControlKind, ...] = ()
    networks = () if _is_sparse(folder) else network_folders(folder)
    if networks:
        kinds = tuple(kind for kind in get_args(ControlKind) if kind != "face")
    looks = adapter_file(folder.path) is not None
    if looks and not (folder.has("image_encoder") and folder.has("feature_extractor")):
        raise ModelError("ip_adapter: needs image_encoder and feature_extractor beside it; the index names them not")
    return ConditioningRules(
        controls=kinds,
        controls_at_once=max(1, len(networks)),
        control_networks=max(1, len(networks)),
        references=int(looks),
        reference_kinds=("subject", "style"),
    )


def _motion(folder: ModelFolder) -> str:
    """The component that says how many frames the motion modules know."""
    return "motion_adapter" if folder.has("motion_adapter") else "unet"

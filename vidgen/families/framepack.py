"""FramePack on HunyuanVideo: a picture (and a last one) to clips of any length, in memory that hardly grows.

arXiv:2504.12626. A clip is made in sections from its end to its beginning; each sees the given picture and, the more
coarsely the further away, what was made after it. Decoded sections overlap, and are faded into each other. Of a long
clip each section is a window: the pipeline makes it as a clip of one section, with what it sees put in on the way.

FramePack F1 goes the other way, from the picture on, and each section sees what was made before it; it takes no last
picture. Its files do not differ: a folder is one of F1 when its index says `"sampling_type": "vanilla"`, or F1 stands
in its name or that of its transformer.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
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
from vidgen.spec import FrameRule, GuidanceRule, LongRule, ModelRules, StepRule
from vidgen.stages.clip_model import ClipRequest, OnStep

TEXT_LENGTH = 256
F1 = re.compile(r"(?<![a-z0-9])f1(?![a-z0-9])", re.IGNORECASE)
SECTION = 9
"""Latent frames of a section."""
TEMPORAL = 4
STEP = SECTION * TEMPORAL
FADED = (SECTION - 1) * TEMPORAL + 1
"""Frames over which two decoded sections are faded into each other; also what the library counts as a section."""
SEEN = (1, 2, 16)
"""Latent frames that are seen of what follows a section, finely, less so, and coarsely."""
LONG = LongRule(
    modes=("native",),
    max_frames=STEP * 50 + 1,
    window=STEP + TEMPORAL * sum(SEEN),
    overlap=TEMPORAL * sum(SEEN),
    overlap_min=TEMPORAL * sum(SEEN),
    overlap_max=TEMPORAL * sum(SEEN),
    anchor=0.0,
    condition_noise=0.0,
    led_by=("last_image",),
    from_the_end=True,
)
MOST_SECTIONS, MOST_FORWARD = 4, 50
"""Of a clip that is made in one go, from its end or from its beginning."""


class FramePack(DiffusersModel):
    from_the_end = True
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
        most = MOST_FORWARD if goes_forward(folder) else MOST_SECTIONS
        rules = ModelRules(
            tasks=("image-to-video",),
            frames=FrameRule(min=STEP + 1, max=STEP * most + 1, step=STEP, default=4 * STEP + 1),
            sides=sides(multiple, width=832, height=480),
            steps=StepRule(min=1, max=100, default=25),
            guidance=GuidanceRule(min=1.0, max=15.0, default=9.0),
            fps=30,
            last_image="no" if goes_forward(folder) else "optional",
            negative_prompt=False,
            options=("shift", "loras"),
            prediction="flow_prediction",
            long=None if goes_forward(folder) else LONG,
        )
        return Description(rules, TEXT_LENGTH)

    def pipeline(self, request: ClipRequest) -> Any:
        if request.place is None:
            return HunyuanVideoFramepackPipeline(**self.parts, scheduler=self.scheduler(request))
        section = Section(**self.parts, scheduler=self.scheduler(request))
        section.pictures = torch.Generator("cpu").manual_seed(request.spec.seed or 0)
        return section

    def generate(self, request: ClipRequest, on_step: OnStep) -> Tensor:
        if request.place is None:
            return super().generate(request, on_step)
        with seeing(self.parts["transformer"], request):
            made = super().generate(request, on_step)
        # a clip of one section begins with its picture, a section in the middle does not
        fresh = made if request.place == 0 else made[:, :, 1:]
        return fresh if request.tail is None else torch.cat([fresh, request.tail.to(fresh)], 2)

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
        if goes_forward(self.folder):
            return asked | {"sampling_type": "vanilla"}
        return asked if request.last_image is None else asked | {"last_image": picture(request.last_image)}

    def passes(self, request: ClipRequest) -> int:
        """One for each section."""
        return (request.num_frames - 1) // STEP if request.place is None else 1

    def unpack(self, latents: Any, request: ClipRequest) -> Tensor:  # noqa: ARG002
        """The pipeline gives what it had after each section; the last is the whole clip."""
        found: Tensor = latents[-1] if isinstance(latents, list) else latents
        return found

    def decode(self, latents: Tensor | Iterable[Tensor]) -> Iterator[Tensor]:
        """From the beginning on, a section at a time with the one that follows it, as the library's sections lie."""
        joined = whole(latents)
        places = (sections_forward if goes_forward(self.folder) else sections)(joined.shape[2])
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
    """Which of a clip's latent frames are decoded together, in time's order; a clip has `1 + n·SECTION` of them, or
    `n·SECTION` where it was ended before the section that begins it.
    """
    first = SECTION + length % SECTION
    later = [(start, min(start + 2 * SECTION, length)) for start in range(first, length, SECTION)]
    return [(0, min(first + SECTION, length)), *later]


def sections_forward(length: int) -> list[tuple[int, int]]:
    """The same of F1: the first section with the picture, then each with the one before it."""
    return [(0, SECTION + 1), *((start, start + 2 * SECTION) for start in range(1, length - 2 * SECTION + 1, SECTION))]


def goes_forward(folder: ModelFolder) -> bool:
    """Whether a folder is one of FramePack F1."""
    names = (folder.path.name, str(folder.config("transformer").get("_name_or_path", "")))
    return folder.index.get("sampling_type") == "vanilla" or any(F1.search(name) for name in names)


def faded(before: Tensor, after: Tensor) -> Tensor:
    """From the one to the other, evenly; both are `[1, 3, FADED, height, width]`."""
    share = torch.linspace(1, 0, before.shape[2], device=before.device).view(1, 1, -1, 1, 1)
    return share * before + (1 - share) * after


class Section(HunyuanVideoFramepackPipeline):  # type: ignore[misc]
    """The pipeline for one section of a clip whose pictures are encoded the same way in every section."""

    pictures: torch.Generator

    def prepare_image_latents(self, *positional: Any, **named: Any) -> Tensor:
        latents: Tensor = super().prepare_image_latents(*positional, **named | {"generator": self.pictures})
        return latents


@contextmanager
def seeing(network: torch.nn.Module, request: ClipRequest) -> Iterator[None]:
    """The network sees what follows the section, and how far away the picture is (3 sections at most, as trained)."""
    assert request.place is not None
    away = SECTION * min(request.place // SECTION, 3 if request.tail is None else 2)

    def put_in(_: Any, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        picture, near = named["latents_clean"].split(1, 2)
        places = named["indices_latents_clean"].clone()
        places[1:] += away
        seen = {"latents_clean": named["latents_clean"], "indices_latents_clean": places}
        for name in ("indices_latents", "indices_latents_history_2x", "indices_latents_history_4x"):
            seen[name] = named[name] + away
        if request.tail is not None:
            after = torch.zeros(*near.shape[:2], sum(SEEN), *near.shape[3:]).to(near)
            after[:, :, : request.tail.shape[2]] = request.tail.to(near)
            near, seen["latents_history_2x"], seen["latents_history_4x"] = torch.split(after, list(SEEN), 2)
            seen["latents_clean"] = torch.cat([picture, near], 2)
        return given, named | seen

    hook = network.register_forward_pre_hook(put_in, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()

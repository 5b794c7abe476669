"""The base of the families that run one of diffusers' pipelines: reading, one run with its callbacks, decoding."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from diffusers.pipelines.wan.pipeline_wan import prompt_clean
from PIL import Image
from torch import Tensor

from vidgen.errors import OutOfMemory
from vidgen.families.component_class import DENOISERS, TEXT_ENCODERS, class_of
from vidgen.families.description import Description
from vidgen.families.estimate import Watched
from vidgen.families.folder import ModelFolder
from vidgen.families.lora import adapted
from vidgen.families.region_judge import RegionJudge
from vidgen.families.regional import regional
from vidgen.families.remembering import remembering
from vidgen.families.running import offload_layers
from vidgen.families.step_cache import taking_over
from vidgen.families.textual_inversion import worded
from vidgen.families.turning_guidance import TurningScale
from vidgen.families.weighted_text import weighing
from vidgen.media.frames import FrameChunk
from vidgen.runtime.kept_results import KeptResults
from vidgen.runtime.memory import on_device
from vidgen.spec import ConditioningRules, MemoryTier
from vidgen.spec.advanced import TURNING, AdvancedFields, LoraUse
from vidgen.spec.conditioning.camera_loras import used_loras
from vidgen.spec.prompt_weights import WeightedText, weighted_text
from vidgen.stages.clip_model import ClipRequest, OnStep
from vidgen.stages.denoise import guidance_plan
from vidgen_models.loading import load_component, scheduler_factory
from vidgen_models.loras import LoraManifest


class DiffusersModel(ABC):
    """A `ClipModel`. A family says which classes its components have, which pipeline a task takes, and its arguments.

    At the lower memory tier the components stay on the CPU, and only the one at work is on the device.
    """

    components: ClassVar[Mapping[str, type | tuple[type, ...]]]
    """Class by component, or the classes that it may have. Components that the folder's index leaves out are None."""
    full_precision: ClassVar[frozenset[str]] = frozenset()
    """Components that stay in float32 on every device."""
    weighted_prompts: ClassVar[bool] = False
    """Whether `text_encoder` alone reads the prompt, as it is, so that weights can be laid on what it makes of it."""
    holdable: ClassVar[frozenset[str]] = frozenset({"float8", "int8", "nf4"})
    """How weights can be held, beside as they are."""
    moves_layers: ClassVar[bool] = True
    output: ClassVar[str] = "latent"
    """What the pipeline gives: latents, or pictures where its own parts depend on those before."""
    frame_group: int = 4
    """How many frames a latent frame shows, as far as clips are made in windows."""
    from_the_end: bool = False
    """Whether the windows of a long clip are made from its end to its beginning."""
    time_axis: ClassVar[int] = 2
    """Of what the denoiser predicts."""
    skips_unguided: ClassVar[bool] = False
    """Whether its pipelines run the unconditional pass by itself, and ask at each step whether it is needed."""
    previews: ClassVar[bool] = True
    """Whether the scheduler given to the pipeline is the one that makes its steps, so that it can be watched."""

    def __init__(
        self,
        folder: Path,
        *,
        text_length: int,
        device: torch.device,
        dtype: torch.dtype,
        tier: MemoryTier = MemoryTier.FULL,
        weights: str = "",
        single_files: Mapping[str, Path] = MappingProxyType({}),
    ) -> None:
        self.device, self.text_length = device, text_length
        self.fingerprint = f"{weights}/{text_length}/{device.type}/{dtype}"
        self._single_files = single_files
        self._dtype, self._offload = dtype, tier is MemoryTier.LOW and device.type != "cpu"
        self.folder = ModelFolder(folder)
        # all are looked at before the first is read
        classes = {name: class_of(self.folder, name, kinds) for name, kinds in self.components.items()}
        self.parts: dict[str, Any] = {
            name: None if kind is None else self._read(name, kind) for name, kind in classes.items()
        }
        self.loras: Mapping[str, LoraManifest] = {}
        self.kept = KeptResults()
        self.conditioning = ConditioningRules()
        self._make_scheduler = scheduler_factory(folder / "scheduler")

    @classmethod
    @abstractmethod
    def describe(cls, folder: ModelFolder) -> Description:
        """What such a folder can do. Raises ModelError where it is none of this family's."""

    @abstractmethod
    def pipeline(self, request: ClipRequest) -> Any:
        """The pipeline class of a task, made of the components."""

    @abstractmethod
    def arguments(self, request: ClipRequest) -> dict[str, Any]:
        """What the pipeline's call takes, beside what every call takes."""

    def asked(self, request: ClipRequest) -> dict[str, Any]:
        """Of these arguments, those that nearly every pipeline takes: texts, size, guidance, tokens that are read."""
        return {
            "prompt": request.spec.prompt,
            "negative_prompt": request.spec.negative_prompt,
            "width": request.width,
            "height": request.height,
            "guidance_scale": request.guidance_scale,
            "max_sequence_length": self.text_length,
        }

    @abstractmethod
    def decode(self, latents: Tensor | Iterable[Tensor]) -> Iterator[Tensor]:
        """As `Decoder` says it."""

    def unpack(self, latents: Tensor, request: ClipRequest) -> Tensor:  # noqa: ARG002 - some need the clip's shape
        """A pipeline's latents as `[1, z, latent_frames, h, w]`."""
        return latents

    def hear(self, output: Any, request: ClipRequest) -> None:  # noqa: ARG002
        """Hand on the sound of a pipeline's run, where the family makes any."""
        return

    def after_step(self, pipeline: Any, timestep: Any, tensors: dict[str, Any], request: ClipRequest) -> dict[str, Any]:
        """What the pipeline goes on with after the step of `timestep`; its latents are among `tensors`."""
        del pipeline, timestep, request
        return tensors

    def passes(self, request: ClipRequest) -> int:  # noqa: ARG002
        """How often the pipeline goes through its steps."""
        return 1

    @property
    def vae(self) -> Any:
        return self.parts["vae"]

    def denoisers(self) -> Sequence[Any]:
        return self._those(DENOISERS)

    def views(self) -> Sequence[Any]:
        return self.denoisers()

    def text_encoders(self) -> Sequence[Any]:
        return self._those(TEXT_ENCODERS)

    def offload_layers(self) -> None:
        """Keep the large networks in the machine's memory, a layer at a time on the device; the others lie there."""
        moved = (*self.denoisers(), *self.text_encoders())
        for part in self.parts.values():
            if isinstance(part, torch.nn.Module) and not any(part is network for network in moved):
                part.to(self.device)
        offload_layers(moved, self.device)
        self._offload = False

    def _those(self, names: Sequence[str]) -> Sequence[Any]:
        return [self.parts[name] for name in names if self.parts.get(name) is not None]

    def generate(self, request: ClipRequest, on_step: OnStep) -> Tensor:
        """One run of the pipeline. Every step is told to `on_step`, which may end it by raising Cancelled."""
        request, texts = self._plain(request)
        pipeline = self.pipeline(request)
        pipeline.set_progress_bar_config(disable=True)
        if self._offload:
            pipeline.enable_model_cpu_offload(device=self.device)
        watched = Watched(pipeline.scheduler) if self.previews else None
        numbers = count(1)
        arguments, advanced = self.arguments(request), request.spec.advanced or AdvancedFields()
        scale = self._turning(pipeline, request)
        if scale is not None:
            arguments["guidance_scale"] = scale

        def step_done(_: Any, __: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            steps, done = pipeline.num_timesteps * self.passes(request), next(numbers)
            if scale is not None:
                scale.step_done()
            on_step(done, steps, lambda: self._estimate(watched, request))
            if done == steps and request.on_verdict is not None:
                for verdict in say(tensors["latents"]):
                    request.on_verdict(verdict)
            return self.after_step(pipeline, timestep, tensors, request)

        try:
            uses, words = used_loras(request.spec, self.conditioning), _embeddings(request)
            with (
                adapted(pipeline, uses, self.loras),
                worded(pipeline, words, self.loras),
                remembering(self.parts, self.kept, self._changed(uses, words)),
                self._weighing(pipeline, texts),
                taking_over(self.denoisers(), advanced.step_cache),
                regional(
                    self.denoisers(),
                    request.spec.prompt,
                    request.regions,
                    partial(self._encoded, pipeline),
                    self.time_axis,
                    self._judge(pipeline, request),
                ) as say,
            ):
                output = pipeline(
                    **arguments,
                    num_inference_steps=request.num_inference_steps,
                    generator=request.generator(),
                    output_type=self.output,
                    callback_on_step_end=step_done,
                )
            self.hear(output, request)
        except torch.OutOfMemoryError as error:
            raise OutOfMemory(f"the clip did not fit on {self.device}: ask for fewer frames") from error
        finally:
            if self._offload:
                pipeline.remove_all_hooks()
        return self.unpack(output.frames, request)

    def _encoded(self, pipeline: Any, prompt: str) -> Tensor:
        """A prompt's embedding as the pipeline makes it, of families that take regions."""
        device, tokens = pipeline._execution_device, self.text_length
        made = pipeline.encode_prompt(
            prompt, do_classifier_free_guidance=False, max_sequence_length=tokens, device=device
        )
        found: Tensor = made[0]
        return found

    def _turning(self, pipeline: Any, request: ClipRequest) -> TurningScale | None:
        """The scale of a run whose guidance is another one at each step; None where it stays, or there is none."""
        advanced, scale = request.spec.advanced or AdvancedFields(), request.guidance_scale
        if scale <= 1.0 or all(getattr(advanced, name) is None for name in TURNING):
            return None
        return TurningScale(guidance_plan(advanced, scale), pipeline, skips=self.skips_unguided)

    def _judge(self, pipeline: Any, request: ClipRequest) -> RegionJudge | None:
        """None where nobody asks, or the network takes over what it said before (a step cache)."""
        cached = request.spec.advanced is not None and request.spec.advanced.step_cache is not None
        if request.on_verdict is None or not request.regions or cached:
            return None
        return RegionJudge(pipeline.scheduler, request.regions, self.time_axis, request.seed)

    def _changed(self, uses: Sequence[LoraUse], words: Sequence[str]) -> str:
        """Names what is in the networks for a run, by content."""
        changes = [f"{self.loras[use.id].sha256}:{use.weight:g}" for use in uses]
        return "/".join([*changes, *(self.loras[word].sha256 for word in words)])

    def scheduler(self, request: ClipRequest) -> Any:
        """A scheduler for one run: the folder's, or the sampler asked for."""
        return self._make_scheduler(request.spec.advanced)

    def _plain(self, request: ClipRequest) -> tuple[ClipRequest, Sequence[WeightedText]]:
        """The request with its prompts free of marks, and what these said."""
        if not self.weighted_prompts:
            return request, ()
        spec = request.spec
        prompts = [prompt_clean(prompt) for prompt in (spec.prompt, spec.negative_prompt)]
        prompts += [prompt_clean(region.prompt) for region in request.regions]
        texts = [weighted_text(prompt) for prompt in prompts]
        if [text.text for text in texts] == prompts:
            return request, ()
        plain = spec.model_copy(update={"prompt": texts[0].text, "negative_prompt": texts[1].text})
        regions = tuple(
            replace(region, prompt=text.text) for region, text in zip(request.regions, texts[2:], strict=True)
        )
        # without guidance the negative prompt is never encoded
        told = texts if request.guidance_scale > 1.0 else [texts[0], *texts[2:]]
        return replace(request, spec=plain, regions=regions), told

    @staticmethod
    def _weighing(pipeline: Any, texts: Sequence[WeightedText]) -> AbstractContextManager[None]:
        return weighing(pipeline.tokenizer, pipeline.text_encoder, texts) if texts else nullcontext()

    def _estimate(self, watched: Watched | None, request: ClipRequest) -> Tensor | None:
        found = None if watched is None else watched.estimate()
        return None if found is None else self.unpack(found, request)

    def _read(self, name: str, kind: type) -> Any:
        is_network = issubclass(kind, torch.nn.Module)
        dtype = torch.float32 if name in self.full_precision else self._dtype
        single = self._single_files.get(name)
        part: Any = load_component(kind, self.folder.path / name, dtype if is_network else None, single)
        return part if self._offload or not is_network else part.to(self.device)


def _embeddings(request: ClipRequest) -> Sequence[str]:
    return () if request.spec.advanced is None else request.spec.advanced.embeddings


def picture(frames: FrameChunk) -> Image.Image:
    """The first frame as pipelines take it."""
    return Image.fromarray(frames[0])


def pictures(frames: FrameChunk) -> list[Image.Image]:
    return [Image.fromarray(frame) for frame in frames]


def decode_frames(vae: Any, latents: Tensor, group: int, device: torch.device, **options: Any) -> Iterator[Tensor]:
    """Decode with an autoencoder of single pictures, `group` frames at once; latents `[1, z, frames, h, w]`."""
    scale, shift = vae.config.scaling_factor, getattr(vae.config, "shift_factor", None) or 0.0
    with on_device(vae, device):
        for start in range(0, latents.shape[2], group):
            frames = latents[0, :, start : start + group].movedim(1, 0).to(device, vae.dtype)
            pixels: Tensor = vae.decode(frames / scale + shift, **options).sample
            yield pixels.float().clamp(-1, 1).movedim(0, 1)[None]


def whole(latents: Tensor | Iterable[Tensor]) -> Tensor:
    """Latents that came in pieces, joined in time."""
    return latents if isinstance(latents, Tensor) else torch.cat(list(latents), 2)

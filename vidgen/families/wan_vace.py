"""Wan-VACE: one folder serves text-to-video (the base network) and every conditioned task (the VACE branch).

Formulas and layouts are those of Wan (arXiv:2503.20314) and VACE (arXiv:2503.07598) as diffusers implements them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import diffusers
import torch
from diffusers import AutoencoderKLWan, WanVACETransformer3DModel
from diffusers.pipelines.wan.pipeline_wan import prompt_clean
from einops import rearrange
from torch import Tensor
from torch.nn.functional import interpolate
from transformers import T5Tokenizer, UMT5EncoderModel

from vidgen.families.description import Description, Further, sampling, sides
from vidgen.families.folder import ModelFolder
from vidgen.families.merged_lora import Addition, MergedLoras, additions, named
from vidgen.families.weighted_text import weighted
from vidgen.runtime.kept_results import KeptResults, content_key
from vidgen.runtime.memory import on_device
from vidgen.spec import AXES, FrameRule, GuidanceRule, MemoryTier, ModelRules, StepRule
from vidgen.spec.advanced import AdvancedFields
from vidgen.spec.conditioning.rules import ConditioningRules
from vidgen.spec.prompt_weights import weighted_text
from vidgen.stages.model import Scheduler
from vidgen_models.loading import load_component, scheduler_factory
from vidgen_models.loras import LoraManifest
from vidgen_models.nets.causal_conv import use_onednn_convolutions
from vidgen_models.nets.wan import DECODE_GROUP, Decoded, base_transformer, decode_stream, encode, encode_stream

VAE_SPATIAL, VAE_TEMPORAL = 8, 4
TEXT_LENGTH = 512
SAMPLERS = ("euler", "unipc", "dpmpp-2m")
"""Those that draw no noise of their own and make one step a level, as our loop counts them."""
CONDITIONING = ConditioningRules(
    controls=("depth", "pose", "flow", "gray", "scribble", "layout"),
    controls_at_once=3,
    mask=True,
    references=3,
    camera="flow",
    camera_axes=AXES,
    trajectories="layout",
    brush=True,
    motion_strength="flow",
    ends=True,
)
"""The controls that VACE was trained with; its colours of motion are relative to the fastest."""
FURTHER = Further(controls=("canny", "soft-edge"), keyframes=True, long_modes=("chain", "co_denoise"))
"""Controls are drawn on the network's canvas, whatever they show, and windows go on from any latents."""
GREY_BEFORE = 2
"""Latent frames of grey that go before a window in the middle of a stream; after two they hardly change."""


class WanVace:
    """A `VideoModel` over a diffusers folder of a WanVACEPipeline. Its networks are read once and stay on `device`.

    At the lower memory tier they stay on the CPU, and only the one at work is on `device`.

    The autoencoder stays in float32 on every device: its rounding errors are seen, and it is the smallest network.
    """

    components: ClassVar[Mapping[str, type]] = {
        "text_encoder": UMT5EncoderModel,
        "transformer": WanVACETransformer3DModel,
        "vae": AutoencoderKLWan,
    }
    """Those with weights."""
    holdable: ClassVar[frozenset[str]] = frozenset({"int8", "nf4"})
    """How weights can be held, beside as they are. What casts them to float8 would cast shared ones twice."""
    moves_layers: ClassVar[bool] = False

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
        self.device, self._dtype, self._text_length = device, dtype, text_length
        self.fingerprint = f"{weights}/{text_length}/{device.type}/{dtype}/{torch.__version__}/{diffusers.__version__}"
        self._decode_group = 1 if tier is MemoryTier.LOW else DECODE_GROUP
        home = torch.device("cpu") if tier is MemoryTier.LOW else device
        self.tokenizer = load_component(T5Tokenizer, folder / "tokenizer")

        def read(kind: Any, name: str, dtype: torch.dtype) -> Any:
            return load_component(kind, folder / name, dtype, single_files.get(name)).to(home)

        self.text_encoder = read(UMT5EncoderModel, "text_encoder", dtype)
        self.transformer = read(WanVACETransformer3DModel, "transformer", dtype)
        self.vae = read(AutoencoderKLWan, "vae", torch.float32)
        use_onednn_convolutions(self.vae)
        self._make_scheduler = scheduler_factory(folder / "scheduler")
        self.advanced, self.conditioning = AdvancedFields(), ConditioningRules()
        self.loras: Mapping[str, LoraManifest] = {}
        self._merged, self._additions = MergedLoras(self.transformer), tuple[Addition, ...]()
        self.kept = KeptResults()

    @classmethod
    def describe(cls, folder: ModelFolder) -> Description:
        """All three tasks, in windows that the network goes on from."""
        multiple = VAE_SPATIAL * folder.config("transformer")["patch_size"][1]
        rules = ModelRules(
            tasks=("text-to-video", "image-to-video", "video-to-video", "extend-video"),
            frames=FrameRule(min=VAE_TEMPORAL + 1, max=81, step=VAE_TEMPORAL, default=81),
            sides=sides(multiple, width=832, height=480),
            steps=StepRule(min=1, max=100, default=50),
            guidance=GuidanceRule(min=1.0, max=10.0, default=5.0),
            fps=16,
            options=(
                "sampler",
                "shift",
                "shift_by_size",
                "guidance_rescale",
                "guidance_from",
                "guidance_until",
                "guidance_schedule",
                "loras",
            ),
            weighted_prompts=True,
            regions=True,
            conditioning=CONDITIONING,
            **sampling(folder, SAMPLERS),
        )
        return Description(rules, TEXT_LENGTH, FURTHER)

    def sampled(self, advanced: AdvancedFields | None) -> "WanVace":
        """The same networks, run with other sampling: its own by another name, so that chunks are never mixed."""
        if advanced is None:
            return self
        view = copy(self)
        view.advanced, view._additions = advanced, additions(advanced.loras, self.loras)
        said = advanced.model_dump_json(exclude_none=True, exclude_defaults=True)
        view.fingerprint = f"{self.fingerprint}/{said}{named(view._additions)}"
        return view

    @cached_property
    def base(self) -> Any:
        """The transformer without its VACE branch, on the same weights."""
        with torch.inference_mode(False):  # which is trained on, whoever asks for it first
            return base_transformer(self.transformer)

    def denoisers(self) -> Sequence[Any]:
        return (self.transformer,)

    def views(self) -> Sequence[Any]:
        return (self.transformer, self.base)

    def text_encoders(self) -> Sequence[Any]:
        return (self.text_encoder,)

    def latent_shape(self, num_frames: int, height: int, width: int) -> tuple[int, int, int, int]:
        """`(channels, latent frames, latent height, latent width)` of one clip."""
        frames = (num_frames - 1) // VAE_TEMPORAL + 1
        return int(self.vae.config.z_dim), frames, height // VAE_SPATIAL, width // VAE_SPATIAL

    def encode_text(self, prompts: Sequence[str]) -> Tensor:
        """`[prompts, text_length, dim]`; past a prompt's end the embedding is zero, as in training."""
        return self.kept.get(content_key("text", list(prompts)), lambda: self._encode_text(prompts))

    def _encode_text(self, prompts: Sequence[str]) -> Tensor:
        texts = [weighted_text(prompt_clean(prompt)) for prompt in prompts]
        tokens = self.tokenizer(
            [text.text for text in texts],
            padding="max_length",
            max_length=self._text_length,
            truncation=True,
            return_attention_mask=True,
            return_offsets_mapping=True,
            return_tensors="pt",
        )
        ids, attention = tokens.input_ids.to(self.device), tokens.attention_mask.to(self.device)
        with on_device(self.text_encoder, self.device) as encoder:

            def read(ids: Tensor, attention: Tensor) -> Tensor:
                hidden: Tensor = encoder(ids, attention).last_hidden_state
                return hidden * attention[..., None].to(hidden.dtype)

            made = read(ids, attention)
            rows = [slice(n, n + 1) for n in range(len(texts))]
            return torch.cat(
                [
                    weighted(made[row], text, offsets, attention[row], partial(read, ids[row]))
                    for row, text, offsets in zip(rows, texts, tokens.offset_mapping, strict=True)
                ]
            )

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        def made() -> Tensor:
            with on_device(self.vae, self.device) as vae:
                return encode(vae, pixels.to(self.device))

        return self.kept.get(content_key("pixels", pixels), made)

    def encode_control(self, pixels: Tensor, mask: Tensor) -> Tensor:
        """VACE's context `[1, 2·z + 64, latent_frames, h, w]`: what to keep, what to make anew, and the mask."""
        mask = (mask > 0.5).to(pixels.dtype)
        kept, remade = self.encode_pixels(pixels * (1 - mask)), self.encode_pixels(pixels * mask)
        return torch.cat([kept, remade, _mask_to_latent_grid(mask).to(self.device)], dim=1)

    def reference_context(self, latents: Tensor) -> Tensor:
        """As the pipeline lays them: kept, with nothing under them, and a mask that keeps them."""
        masks = torch.zeros(1, VAE_SPATIAL**2, *latents.shape[2:], device=latents.device, dtype=latents.dtype)
        return torch.cat([latents, torch.zeros_like(latents), masks], dim=1)

    def carry_control(self, carried: Tensor, given: Tensor, *, opens: bool, base: Tensor | None = None) -> Tensor:
        """As the network was trained to go on: the carried latents at their places, elsewhere those of a grey clip."""
        if base is None:
            grey = self._grey(carried, 0 if opens else GREY_BEFORE)
            base = torch.cat([grey, grey, torch.ones(1, VAE_SPATIAL**2, *grey.shape[2:], device=grey.device)], dim=1)
        control, channels, given = base.clone(), carried.shape[1], given.to(base.device)
        control[:, :channels, given] = carried.to(base)[:, :, given]
        control[:, 2 * channels :, given] = 0.0
        return control

    def encode_stream(self, pixels: Iterable[Tensor]) -> Iterator[Tensor]:
        with on_device(self.vae, self.device) as vae:
            yield from encode_stream(vae, pixels)

    def decode(self, latents: Tensor | Iterable[Tensor]) -> Iterator[Tensor]:
        with on_device(self.vae, self.device) as vae:
            yield from decode_stream(vae, latents, self._decode_group)

    def nothing_decoded(self) -> Decoded:
        return Decoded.nothing(self.vae)

    def decode_on(self, before: Decoded, latents: Tensor) -> Iterator[Tensor]:
        with on_device(self.vae, self.device) as vae:
            yield from decode_stream(vae, latents, self._decode_group, before)

    def scheduler(self, num_inference_steps: int) -> Scheduler:
        scheduler: Any = self._make_scheduler(self.advanced)
        scheduler.set_timesteps(num_inference_steps, device=self.device)
        made: Scheduler = scheduler
        return made

    def velocity(
        self, latents: Tensor, timestep: Tensor, text: Tensor, control: Tensor | None, *, scale: float = 1.0
    ) -> Tensor:
        """Predicted `noise - data` in float32; with `control` through the VACE branch, else through the base.

        `scale` is that of the branch's hints.
        """
        common = {
            "hidden_states": latents.to(self.device, self._dtype),
            "timestep": timestep.to(self.device),
            "encoder_hidden_states": text.to(self.device, self._dtype),
            "return_dict": False,
        }
        self._merged.use(self._additions)
        if control is None:
            with on_device(self.base, self.device) as base:
                predicted: Tensor = base(**common)[0]
        else:
            with on_device(self.transformer, self.device) as transformer:
                hints = {
                    "control_hidden_states": control.to(self.device, self._dtype),
                    "control_hidden_states_scale": self._scale(transformer, scale),
                }
                predicted = transformer(**common, **hints)[0]
        return predicted.float()

    def _scale(self, transformer: Any, scale: float) -> Tensor:
        """The same for every layer that takes hints."""
        return torch.full((len(transformer.config.vace_layers),), scale, device=self.device, dtype=self._dtype)

    def _grey(self, like: Tensor, skipped: int) -> Tensor:
        """The latents of a grey clip as long as `like`, cut out of the middle of its own stream after `skipped`.

        A stream's first latents are unlike the others.
        """
        _, _, length, height, width = like.shape
        frames = VAE_TEMPORAL * (skipped + length - 1) + 1
        blank = torch.zeros(1, 3, frames, VAE_SPATIAL * height, VAE_SPATIAL * width)
        return self.encode_pixels(blank)[:, :, skipped:]


def _mask_to_latent_grid(mask: Tensor) -> Tensor:
    """`[b, 1, t, 8h, 8w]` to `[b, 64, latent_frames, h, w]`: each 8×8 patch becomes channels, time by nearest."""
    patches = rearrange(mask, "b 1 t (h p) (w q) -> b (p q) t h w", p=VAE_SPATIAL, q=VAE_SPATIAL)
    frames = (mask.shape[2] - 1) // VAE_TEMPORAL + 1
    return interpolate(patches, size=(frames, *patches.shape[3:]), mode="nearest-exact")

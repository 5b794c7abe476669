"""What a recipe needs of a model family. Families implement it; stages use nothing else."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from vidgen.spec.advanced import AdvancedFields
from vidgen.spec.conditioning.rules import ConditioningRules
from vidgen_models.loras import LoraManifest


class Scheduler(Protocol):
    """The part of a diffusers scheduler that the denoise loop uses; one is made for every run, as it has state."""

    timesteps: Tensor
    sigmas: Tensor

    def set_begin_index(self, begin_index: int) -> None: ...

    def step(self, model_output: Tensor, timestep: Tensor, sample: Tensor, return_dict: bool) -> tuple[Tensor]: ...


class Decoder(Protocol):
    """What turns latents into pixels."""

    def decode(self, latents: Tensor | Iterable[Tensor]) -> Iterator[Tensor]:
        """One decoding, in groups where the autoencoder allows; latents may come in pieces, which need not lie in
        memory together."""
        ...


@runtime_checkable
class CausalDecoder(Decoder, Protocol):
    """A decoder that looks back alone, so that a stream can be gone on with in several ways from one place."""

    def nothing_decoded(self) -> Any:
        """What is remembered at a stream's beginning."""
        ...

    def decode_on(self, before: Any, latents: Tensor) -> Iterator[Tensor]:
        """What follows on what was decoded `before`, which then holds these latents, too; `before.branched()` is a
        copy to go on from once more."""
        ...


class VideoModel(Decoder, Protocol):
    """A latent video diffusion model with flow prediction. `advanced` says how it is sampled.

    Pixels are `[batch, 3, frames, height, width]` in -1..1, latents `[batch, z, latent_frames, h, w]`, text embeddings
    `[batch, tokens, dim]`. Tensors may be given on any device and come back on `device`.
    """

    advanced: AdvancedFields
    conditioning: ConditioningRules
    """What the model takes of conditioning items, by its manifest."""

    loras: Mapping[str, LoraManifest]
    """The LoRAs there are, by id."""

    @property
    def device(self) -> torch.device: ...

    @property
    def fingerprint(self) -> str:
        """Names everything about this model that its numbers depend on: weights, device, number format, libraries."""
        ...

    def sampled(self, advanced: AdvancedFields | None) -> "VideoModel":
        """This model sampled otherwise, or with LoRAs in its weights while it runs; another fingerprint.

        Raises ModelError for a LoRA that is gone, changed, or made for another network.
        """
        ...

    def latent_shape(self, num_frames: int, height: int, width: int) -> tuple[int, int, int, int]: ...

    def encode_text(self, prompts: Sequence[str]) -> Tensor: ...

    def encode_pixels(self, pixels: Tensor) -> Tensor: ...

    def encode_control(self, pixels: Tensor, mask: Tensor) -> Tensor:
        """`mask` is `[batch, 1, frames, height, width]`: 0 keeps a pixel, 1 asks for it to be made."""
        ...

    def reference_context(self, latents: Tensor) -> Tensor:
        """What goes before a clip's context so that it takes over pictures, from the latents `[1, z, pictures, …]`."""
        ...

    def carry_control(self, carried: Tensor, given: Tensor, *, opens: bool, base: Tensor | None = None) -> Tensor:
        """What a window of a longer clip is conditioned on: the latents `carried`, at the frames that are `given`.

        `carried` has the window's length, `given` is a bool for each of its frames. They come from the windows beside
        it, never decoded and encoded again. `opens` says that the window is the beginning of its stream, where the
        first latent is one frame and not a group. With `base` (from `encode_control`) they are laid on that.
        """
        ...

    def encode_stream(self, pixels: Iterable[Tensor]) -> Iterator[Tensor]:
        """One causal encoding of a clip that comes in pieces of any length, 4k+1 frames in all."""
        ...

    def scheduler(self, num_inference_steps: int) -> Scheduler: ...

    def velocity(
        self, latents: Tensor, timestep: Tensor, text: Tensor, control: Tensor | None, *, scale: float = 1.0
    ) -> Tensor:
        """`scale` is how much the control counts: 1 as trained, 0 not at all."""
        ...

"""What the service needs of a family that denoises by itself, through one of diffusers' pipelines.

`VideoModel` is the other contract: its loop is ours, so it can hold, carry and continue latents.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidgen.media.frames import FrameChunk
from vidgen.runtime.verdict import Verdict
from vidgen.runtime.waveform import Waveform
from vidgen.spec import SamplingFields
from vidgen.spec.conditioning.control import ControlKind
from vidgen.spec.conditioning.rules import ConditioningRules
from vidgen.stages.model import Decoder
from vidgen_models.loras import LoraManifest

OnStep = Callable[[int, int, Callable[[], Tensor | None]], None]
"""Called after every step with the steps done, all steps, and how to get the denoised estimate (its latents, or None
where the sampler does not show it). Raises Cancelled to end the run."""

OnSound = Callable[[Waveform], None]
"""Called with the sound that a model made for its pictures, before the first of them is decoded."""


OnVerdict = Callable[[Verdict], None]
"""Called with what the model says of each region, once all steps are made."""


@dataclass(frozen=True, slots=True, eq=False)
class ControlClip:
    """A control as long as the clip: `frames` are `uint8 [frames, height, width, 3]`, its shares those of the steps."""

    kind: ControlKind
    frames: FrameChunk
    weight: float
    start: float
    end: float


@dataclass(frozen=True, slots=True, eq=False)
class PaintedRegion:
    """A part of the frame with a prompt of its own, which counts by `weight` (0..1) where `shares` (0..1,
    `[1, 1, frames or 1, height, width]`) are; `field` is that of the spec."""

    prompt: str
    shares: Tensor
    weight: float = 1.0
    field: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ClipRequest:
    """A resolved spec with its media read: pictures `uint8 [1, height, width, 3]`, clips `uint8 [frames, …]`.

    `mask` (`[frames, height, width]`) is above a half where `video` is made anew.
    `keyframes` are pictures by the number of the frame that shows them. `on_sound` takes the clip's sound, where a
    model makes any, and `on_verdict` what it says of its regions; None: nobody wants it.
    Of a window of a longer clip `head` are the latents that it begins with and `tail` those that it ends with, made
    before and to be kept as they are; `num_frames` counts them too. `condition_noise` (0..1) is how noisy the network
    is to think of them. `place` is how many latent frames of the stream lie before the window (None: a whole clip), and
    `stream_seed` the seed of what all windows share.
    """

    spec: SamplingFields
    width: int
    height: int
    num_frames: int
    fps: int
    seed: int
    num_inference_steps: int
    guidance_scale: float
    image: FrameChunk | None = None
    last_image: FrameChunk | None = None
    video: FrameChunk | None = None
    mask: NDArray[np.float32] | None = None
    strength: float = 1.0
    controls: tuple[ControlClip, ...] = ()
    references: tuple[FrameChunk, ...] = ()
    keyframes: Mapping[int, FrameChunk] = field(default_factory=dict)
    regions: tuple[PaintedRegion, ...] = ()
    on_sound: OnSound | None = None
    on_verdict: OnVerdict | None = None
    head: Tensor | None = None
    tail: Tensor | None = None
    condition_noise: float = 0.0
    place: int | None = None
    stream_seed: int = 0

    def generator(self) -> torch.Generator:
        """Random numbers drawn on the CPU, so that they are the same on every device."""
        return torch.Generator("cpu").manual_seed(self.seed)


@runtime_checkable
class ClipModel(Decoder, Protocol):
    """A family that makes a whole clip's latents `[1, z, latent_frames, h, w]` in one call, and decodes them."""

    conditioning: ConditioningRules
    """What the model takes of conditioning items, by its manifest."""
    loras: Mapping[str, LoraManifest]
    """The LoRAs there are, by id."""
    frame_group: int
    """How many frames a latent frame shows; a clip's first one shows one."""
    from_the_end: bool
    """Whether the windows of a long clip are made from its end to its beginning."""
    fingerprint: str
    """Names everything about the model that its numbers depend on but the libraries: weights, device, number format."""

    def generate(self, request: ClipRequest, on_step: OnStep) -> Tensor: ...

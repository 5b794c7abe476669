"""Everything that determines one chunk of a long clip."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from vidgen.longvideo.fingerprint import content_hash, fingerprint
from vidgen.longvideo.planner import Window
from vidgen.stages.conditioning import Conditioning


@dataclass(frozen=True, slots=True)
class Settings:
    """What all chunks of a clip share: sizes in pixels, the sampler's numbers, how firmly they hang together.

    `regions` names the prompts of parts of the frame, so that chunks with others are never taken for these.
    """

    width: int
    height: int
    num_inference_steps: int
    guidance_scale: float
    negative_prompt: str
    anchor: float
    condition_noise: float
    strength: float = 1.0
    regions: str = ""


@dataclass(frozen=True, slots=True)
class Transition:
    """The prompt that is left, and by how much it still counts (0..1) on each latent frame of the window."""

    prompt: str
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """One chunk to make. Latents are `[1, z, frames, h, w]`; None where there is nothing of the kind.

    `head` and `tail` are shared with the windows beside it; `pins` are latent frames of the window that are given, by
    their places in it. `reference` are the levels its colours are drawn back to, `source` is a clip's own latents to
    start from, `control` the condition of the window. `kept` says which of the source's latents stay as they are
    (0..1, `[1, 1, frames, h, w]`), where only a part of it is made anew.
    """

    window: Window
    seed: int
    prompt: str
    head: Tensor | None = None
    tail: Tensor | None = None
    pins: Mapping[int, Tensor] = field(default_factory=dict)
    reference: Tensor | None = None
    source: Tensor | None = None
    control: Callable[[], Conditioning | None] | None = None
    kept: Tensor | None = None
    control_name: str = ""
    transition: Transition | None = None

    def fingerprint(self, model: str, settings: Settings) -> str:
        """The hash of all of this; the chunk before is in it through the latents it handed on.

        `model` is the fingerprint of the model.
        """
        latents = (self.head, self.tail, self.reference, self.source)
        kept = {} if self.kept is None else {"kept": content_hash(self.kept)}
        return fingerprint(
            model=model,
            settings=[getattr(settings, name) for name in Settings.__slots__],
            window=[getattr(self.window, name) for name in Window.__slots__],
            seed=self.seed,
            prompt=self.prompt,
            latents=[None if part is None else content_hash(part) for part in latents],
            pins=[[place, content_hash(part)] for place, part in sorted(self.pins.items())],
            control=self.control_name,
            transition=self.transition and [self.transition.prompt, self.transition.weights],
            **kept,
        )

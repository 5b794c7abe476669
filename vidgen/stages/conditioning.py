"""What a run is conditioned on, encoded: known pixels, control layers each with its share of the steps, references.

One layer alone is followed through the network's own scale of its hints. Several, or one beside known pixels, are put
together in the predictions: v = v0 + Σ w (v_i - v0), where v0 knows the pixels alone and v_i a layer as well, after the
composition of conditions by Liu et al. 2022 (arXiv:2206.01714). So each weight scales its own layer and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vidgen.stages.model import VideoModel


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A control's context, the known pixels in it; it counts by `weight` from step share `start` to `end`."""

    context: Tensor
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0

    def acts(self, share: float) -> bool:
        return self.weight != 0.0 and self.start <= share < self.end


@dataclass(frozen=True, slots=True, eq=False)
class Acting:
    """What counts at one step; nothing at all where `known` is None and there is no layer."""

    known: Tensor | None
    layers: tuple[tuple[Tensor, float], ...] = ()

    def expanded(self, count: int) -> "Acting":
        """For a batch of `count`."""
        size = (count, -1, -1, -1, -1)
        known = None if self.known is None else self.known.expand(size)
        return Acting(known, tuple((context.expand(size), weight) for context, weight in self.layers))


NOTHING = Acting(None)


@dataclass(frozen=True, slots=True, eq=False)
class Conditioning:
    """`known` is the context without any control; None: no pixel is known. `references` are frames of context that go
    before those of the clip, as many as latent frames that are made with it and then left out; `shown` are the latents
    of the pictures in them."""

    known: Tensor | None = None
    layers: tuple[Layer, ...] = ()
    references: Tensor | None = None
    shown: Tensor | None = None

    @property
    def lead(self) -> int:
        """Latent frames before those of the clip."""
        return 0 if self.references is None else int(self.references.shape[2])

    def changed(self, change: Callable[[Tensor | None], Tensor]) -> "Conditioning":
        """With `change` made to every context; `known` is None where there was none."""
        layers = tuple(replace(layer, context=change(layer.context)) for layer in self.layers)
        return replace(self, known=change(self.known), layers=layers)

    def at(self, share: float) -> Acting:
        """What counts at a share (0..1) of the run's steps."""
        layers = tuple((self._led(it.context), it.weight) for it in self.layers if it.acts(share))
        return Acting(None if self.known is None else self._led(self.known), layers)

    def _led(self, context: Tensor) -> Tensor:
        return context if self.references is None else torch.cat([self.references.to(context), context], 2)


def led_velocity(model: VideoModel, latents: Tensor, timestep: Tensor, text: Tensor, acting: Acting) -> Tensor:
    """The model's prediction under what counts at this step."""
    if not acting.layers:
        return model.velocity(latents, timestep, text, acting.known)
    if acting.known is None and len(acting.layers) == 1:
        ((context, weight),) = acting.layers
        return model.velocity(latents, timestep, text, context, scale=weight)
    if len(acting.layers) == 1 and acting.layers[0][1] == 1.0:
        return model.velocity(latents, timestep, text, acting.layers[0][0])
    plain = model.velocity(latents, timestep, text, acting.known)
    made = plain
    for context, weight in acting.layers:
        made = made + weight * (model.velocity(latents, timestep, text, context) - plain)
    return made

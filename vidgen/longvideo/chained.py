"""Windows made one after the other by our own denoise loop, each going on from the latents of the one before."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from vidgen.components.rectified_flow import add_noise, first_step
from vidgen.longvideo.anchor import anchored
from vidgen.longvideo.joint import Joint
from vidgen.longvideo.judging import verdicts
from vidgen.longvideo.order import Order, Settings, Transition
from vidgen.longvideo.planner import Window
from vidgen.runtime.context import RunContext
from vidgen.runtime.seeding import frame_noise
from vidgen.runtime.verdict import Verdict
from vidgen.stages.conditioning import Conditioning
from vidgen.stages.denoise import Blend, Hold, denoise
from vidgen.stages.encode_text import TextEmbeddings
from vidgen.stages.model import VideoModel

Encode = Callable[[str], TextEmbeddings]
"""Turns a prompt into embeddings."""


class Chained:
    """A `Maker` over any `VideoModel`."""

    def __init__(self, model: VideoModel, settings: Settings, encode: Encode) -> None:
        self.model, self.settings = model, settings
        self._encode, self._texts = encode, dict[str, TextEmbeddings]()

    @property
    def model_fingerprint(self) -> str:
        return self.model.fingerprint

    def fingerprint(self, order: Order) -> str:
        return order.fingerprint(self.model.fingerprint, self.settings)

    def text(self, prompt: str) -> TextEmbeddings:
        """Every prompt is encoded once."""
        if prompt not in self._texts:
            self._texts[prompt] = self._encode(prompt)
        return self._texts[prompt]

    def text_of(self, window: Window, lead: int) -> Encode:
        """Embeddings whose parts lie where they do in a window, behind `lead` latent frames of references."""
        return lambda prompt: self.text(prompt).within(window.shot, window.start, window.stop, lead)

    def make(self, order: Order, share: tuple[float, float], ctx: RunContext) -> Tensor:
        model, settings = self.model, self.settings
        scheduler = model.scheduler(settings.num_inference_steps)
        shape = shape_of(model, order.window, settings)
        noise = frame_noise(order.seed, order.window.n, shape).to(model.device)
        begin = first_step(settings.num_inference_steps, settings.strength) if order.source is not None else 0
        joint = Joint.of(order.head, order.tail, noise, order.pins)
        control = control_of(model, order, settings)
        sigma = float(scheduler.sigmas[begin])
        encode = self.text_of(order.window, 0 if control is None else control.lead)
        latents = denoise(
            model,
            scheduler,
            noise if order.source is None else add_noise(order.source.to(noise), noise, sigma),
            encode(order.prompt),
            ctx,
            guidance_scale=settings.guidance_scale,
            control=control,
            lead=lead_of(order, control, shape),
            first_step=begin,
            hold=_hold(order, joint, noise),
            blend=blend_of(order.transition, encode),
            share=share,
        )
        if order.reference is None:
            return latents
        return anchored(latents, order.reference, settings.anchor, 1 - joint.weights)

    def judged(self, order: Order, latents: Tensor, ctx: RunContext) -> Iterable[Verdict]:
        control = control_of(self.model, order, self.settings)
        return verdicts(self.model, order, latents, self.text(order.prompt), control, ctx)


def blend_of(transition: Transition | None, encode: Encode) -> Blend | None:
    if transition is None:
        return None
    return Blend(encode(transition.prompt), torch.tensor(transition.weights).view(1, 1, -1, 1, 1))


def lead_of(order: Order, control: Conditioning | None, shape: tuple[int, int, int, int]) -> Tensor | None:
    """The noise of the frames that stand for reference pictures."""
    if control is None or not control.lead:
        return None
    channels, _, height, width = shape
    return frame_noise(order.seed, order.window.n, (channels, control.lead, height, width), use="/reference")


def _hold(order: Order, joint: Joint, noise: Tensor) -> Hold | None:
    """What is put back before every step: the joints' latents, and those of the source that stay."""
    if order.kept is None or order.source is None:
        return joint if joint.holds else None
    region = Joint(order.source.to(noise), order.kept.to(noise), noise)
    return lambda latents, sigma: joint(region(latents, sigma), sigma)


def control_of(model: VideoModel, order: Order, settings: Settings) -> Conditioning | None:
    """What the window is conditioned on: latents carried from its neighbours, or what its stream begins with.

    Carried latents are made a little noisy, as in training: then the network does not pass on their errors.
    """
    base = None if order.control is None else order.control()
    carried, given = _given(order, shape_of(model, order.window, settings))
    if not given.any():
        return base
    noise = frame_noise(order.seed, order.window.n, shape_of(model, order.window, settings), use="/condition")
    noisy = carried + settings.condition_noise * noise * given.view(-1, 1, 1)
    opens = order.window.start == 0
    return (base or Conditioning()).changed(lambda it: model.carry_control(noisy, given, opens=opens, base=it))


def _given(order: Order, shape: tuple[int, int, int, int]) -> tuple[Tensor, Tensor]:
    """The latents that the network is told, in the window's length, and at which frames there are any."""
    carried, given = torch.zeros(1, *shape), torch.zeros(shape[1], dtype=torch.bool)
    if order.tail is not None:
        # one latent frame says where to arrive; the joint holds the others
        carried[:, :, -1:], given[-1:] = order.tail[:, :, -1:].to(carried), True
    if order.head is not None:
        carried[:, :, : order.head.shape[2]], given[: order.head.shape[2]] = order.head.to(carried), True
    for place, part in order.pins.items():
        carried[:, :, place : place + 1], given[place] = part.to(carried), True
    return carried, given


def shape_of(model: VideoModel, window: Window, settings: Settings) -> tuple[int, int, int, int]:
    channels, _, height, width = model.latent_shape(1, settings.height, settings.width)
    return channels, window.length, height, width

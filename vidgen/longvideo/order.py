"""Everything that determines one chunk of a long clip, and how the chunk is made from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vidgen.components.rectified_flow import add_noise, first_step
from vidgen.longvideo.anchor import anchored
from vidgen.longvideo.fingerprint import content_hash, fingerprint
from vidgen.longvideo.joint import Joint
from vidgen.longvideo.planner import Window
from vidgen.runtime.context import RunContext
from vidgen.runtime.seeding import frame_noise
from vidgen.stages.conditioning import Conditioning
from vidgen.stages.denoise import Blend, Hold, denoise
from vidgen.stages.encode_text import TextEmbeddings
from vidgen.stages.model import VideoModel


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

    def fingerprint(self, model: VideoModel, settings: Settings) -> str:
        """The hash of all of this; the chunk before is in it through the latents it handed on."""
        latents = (self.head, self.tail, self.reference, self.source)
        kept = {} if self.kept is None else {"kept": content_hash(self.kept)}
        return fingerprint(
            model=model.fingerprint,
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


def make(
    model: VideoModel,
    order: Order,
    settings: Settings,
    encode: Callable[[str], TextEmbeddings],
    ctx: RunContext,
    share: tuple[float, float],
) -> Tensor:
    """The window's latents. `share` is where its steps begin on the progress bar and how much of it they take.

    Raises Cancelled within one step of a cancel.
    """
    scheduler = model.scheduler(settings.num_inference_steps)
    shape = _shape(model, order.window, settings)
    noise = frame_noise(order.seed, order.window.n, shape).to(model.device)
    begin = first_step(settings.num_inference_steps, settings.strength) if order.source is not None else 0
    joint = Joint.of(order.head, order.tail, noise, order.pins)
    control = _control(model, order, settings)
    start = noise if order.source is None else add_noise(order.source.to(noise), noise, float(scheduler.sigmas[begin]))
    latents = denoise(
        model,
        scheduler,
        start,
        encode(order.prompt),
        ctx,
        guidance_scale=settings.guidance_scale,
        control=control,
        lead=_lead(order, control, shape),
        first_step=begin,
        hold=_hold(order, joint, noise),
        blend=_blend(order.transition, encode),
        share=share,
    )
    if order.reference is None:
        return latents
    return anchored(latents, order.reference, settings.anchor, 1 - joint.weights)


def _blend(transition: Transition | None, encode: Callable[[str], TextEmbeddings]) -> Blend | None:
    if transition is None:
        return None
    return Blend(encode(transition.prompt), torch.tensor(transition.weights).view(1, 1, -1, 1, 1))


def _hold(order: Order, joint: Joint, noise: Tensor) -> Hold | None:
    """What is put back before every step: the joints' latents, and those of the source that stay."""
    if order.kept is None or order.source is None:
        return joint if joint.holds else None
    region = Joint(order.source.to(noise), order.kept.to(noise), noise)
    return lambda latents, sigma: joint(region(latents, sigma), sigma)


def _lead(order: Order, control: Conditioning | None, shape: tuple[int, int, int, int]) -> Tensor | None:
    """The noise of the frames that stand for reference pictures."""
    if control is None or not control.lead:
        return None
    channels, _, height, width = shape
    return frame_noise(order.seed, order.window.n, (channels, control.lead, height, width), use="/reference")


def _control(model: VideoModel, order: Order, settings: Settings) -> Conditioning | None:
    """What the window is conditioned on: latents carried from its neighbours, or what its stream begins with.

    Carried latents are made a little noisy, as in training: then the network does not pass on their errors.
    """
    base = None if order.control is None else order.control()
    carried, given = _given(order, _shape(model, order.window, settings))
    if not given.any():
        return base
    noise = frame_noise(order.seed, order.window.n, _shape(model, order.window, settings), use="/condition")
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


def _shape(model: VideoModel, window: Window, settings: Settings) -> tuple[int, int, int, int]:
    channels, _, height, width = model.latent_shape(1, settings.height, settings.width)
    return channels, window.length, height, width

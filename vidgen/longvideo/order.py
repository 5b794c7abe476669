"""Everything that determines one chunk of a long clip, and how the chunk is made from it."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from vidgen.components.rectified_flow import add_noise, first_step
from vidgen.longvideo.anchor import anchored
from vidgen.longvideo.fingerprint import content_hash, fingerprint
from vidgen.longvideo.joint import Joint
from vidgen.longvideo.planner import Window
from vidgen.runtime.context import RunContext
from vidgen.runtime.seeding import frame_noise
from vidgen.stages.denoise import denoise
from vidgen.stages.encode_text import TextEmbeddings
from vidgen.stages.model import VideoModel


@dataclass(frozen=True, slots=True)
class Settings:
    """What all chunks of a clip share: sizes in pixels, the sampler's numbers, how firmly they hang together."""

    width: int
    height: int
    num_inference_steps: int
    guidance_scale: float
    negative_prompt: str
    anchor: float
    condition_noise: float
    strength: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """One chunk to make. Latents are `[1, z, frames, h, w]`; None where there is nothing of the kind.

    `head` and `tail` are shared with the windows beside it, `reference` are the levels its colours are drawn back to,
    `source` is a clip's own latents to start from, `control` the condition of a window that begins a stream.
    """

    window: Window
    seed: int
    prompt: str
    head: Tensor | None = None
    tail: Tensor | None = None
    reference: Tensor | None = None
    source: Tensor | None = None
    control: Callable[[], Tensor | None] | None = None
    control_name: str = ""

    def fingerprint(self, model: VideoModel, settings: Settings) -> str:
        """The hash of all of this; the chunk before is in it through the latents it handed on."""
        latents = (self.head, self.tail, self.reference, self.source)
        return fingerprint(
            model=model.fingerprint,
            settings=[getattr(settings, name) for name in Settings.__slots__],
            window=[getattr(self.window, name) for name in Window.__slots__],
            seed=self.seed,
            prompt=self.prompt,
            latents=[None if part is None else content_hash(part) for part in latents],
            control=self.control_name,
        )


def make(
    model: VideoModel,
    order: Order,
    settings: Settings,
    text: TextEmbeddings,
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
    joint = Joint.of(order.head, order.tail, noise)
    start = noise if order.source is None else add_noise(order.source.to(noise), noise, float(scheduler.sigmas[begin]))
    latents = denoise(
        model,
        scheduler,
        start,
        text,
        ctx,
        guidance_scale=settings.guidance_scale,
        control=_control(model, order, settings),
        first_step=begin,
        hold=joint,
        share=share,
    )
    if order.reference is None:
        return latents
    return anchored(latents, order.reference, settings.anchor, 1 - joint.weights)


def _control(model: VideoModel, order: Order, settings: Settings) -> Tensor | None:
    """What the window is conditioned on: latents carried from its neighbours, or what its stream begins with.

    Carried latents are made a little noisy, as in training: then the network does not pass on their errors.
    """
    if order.control is not None:
        return order.control()
    if order.head is None and order.tail is None:
        return None
    shape = _shape(model, order.window, settings)
    noise = settings.condition_noise * frame_noise(order.seed, order.window.n, shape, use="/condition")
    head = None if order.head is None else order.head + noise[:, :, : order.head.shape[2]].to(order.head)
    # one latent frame says where to arrive; the joint holds the others
    tail = None if order.tail is None else order.tail[:, :, -1:] + noise[:, :, -1:].to(order.tail)
    return model.carry_control(
        head,
        tail,
        latent_frames=order.window.length,
        height=settings.height,
        width=settings.width,
        opens=order.window.start == 0,
    )


def _shape(model: VideoModel, window: Window, settings: Settings) -> tuple[int, int, int, int]:
    channels, _, height, width = model.latent_shape(1, settings.height, settings.width)
    return channels, window.length, height, width

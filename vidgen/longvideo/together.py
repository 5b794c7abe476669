"""Co-denoising: all windows of a shot take each step together, and where they overlap their predictions are averaged.

So nothing is handed on from window to window, and nothing can drift (MultiDiffusion, Bar-Tal et al. 2023,
arXiv:2302.08113). It suits clips whose content is known for every window: restyles, control videos.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from vidgen.components.rectified_flow import add_noise, denoised_estimate, first_step
from vidgen.components.scheduler_state import remembered, restore
from vidgen.longvideo.chained import Chained, blend_of, control_of, lead_of, shape_of
from vidgen.longvideo.fingerprint import fingerprint
from vidgen.longvideo.joint import Joint, firmness
from vidgen.longvideo.order import Order
from vidgen.longvideo.planner import Window
from vidgen.runtime.context import RunContext
from vidgen.runtime.seeding import frame_noise
from vidgen.spec import MemoryTier, Progress, Stage
from vidgen.stages.conditioning import Conditioning
from vidgen.stages.denoise import Guide, Hold, guidance_plan
from vidgen.stages.model import Scheduler
from vidgen.stages.preview import PreviewClock

FIRST = 40000
"""Shot n's state between two steps is kept under this number + n, beyond all attempts at chunks."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A window's share in every step. Its first `head` latent frames overlap the window before."""

    start: int
    stop: int
    head: int
    guide: Guide


@dataclass(slots=True, eq=False)
class Run:
    """A shot amid its steps: `done` of them are made, and `latents` hold the next one's noise level.

    The first `lead` latent frames stand for reference pictures: every window sees them, and all predict them.
    """

    scheduler: Scheduler
    first_step: int
    latents: Tensor
    hold: Hold
    lead: int
    done: int = 0

    @property
    def steps(self) -> int:
        return len(self.scheduler.timesteps) - self.first_step

    @property
    def sigma(self) -> float:
        """The noise level of the latents, 0..1."""
        return float(self.scheduler.sigmas[self.first_step + self.done])

    @property
    def timestep(self) -> Tensor:
        return self.scheduler.timesteps[self.first_step + self.done]


class Together:
    """Makes the stream of a shot from the orders of all its windows; the maker says with what model and settings."""

    def __init__(self, maker: Chained, ctx: RunContext) -> None:
        self._maker, self._model, self._ctx = maker, maker.model, ctx
        self._plan = guidance_plan(self._model.advanced, maker.settings.guidance_scale)
        self._sparing = ctx.memory_tier is MemoryTier.LOW

    def fingerprint(self, orders: Sequence[Order]) -> str:
        """The hash of everything that determines the shot's latents."""
        return fingerprint(together=[self._maker.fingerprint(order) for order in orders])

    def make(self, orders: Sequence[Order], share: tuple[float, float]) -> Tensor:
        """The shot's latents `[1, z, frames, h, w]`. Every step is committed: a run that died makes one again at most.

        `share` is as in `Maker.make`. Raises Cancelled before any window's turn.
        """
        controls = [control_of(self._model, order, self._maker.settings) for order in orders]
        run, name = self._begun(orders, controls[0]), self.fingerprint(orders)
        self._found(run, orders[0].window.shot, name)
        parts = [self._part(*pair, run.lead) for pair in zip(orders, controls, strict=True)]
        previews = PreviewClock(self._model, silent=self._sparing)
        while run.done < run.steps:
            run.latents = self._held(run, run.sigma)
            velocity = self._velocity(run, parts, share)
            estimate = partial(denoised_estimate, run.latents[:, :, run.lead :], velocity[:, :, run.lead :], run.sigma)
            run.latents = run.scheduler.step(velocity, run.timestep, run.latents, return_dict=False)[0]
            run.done += 1
            self._keep(run, orders[0], name)
            self._say(share, run, run.done / run.steps, previews.maybe(estimate))
        return self._held(run, 0.0)[:, :, run.lead :]

    def _begun(self, orders: Sequence[Order], control: Conditioning | None) -> Run:
        """Noise, or the source with noise, one draw for every frame of the stream: windows that overlap share it."""
        first, settings = orders[0], self._maker.settings
        whole = Window(0, first.window.shot, 0, 0, max(order.window.stop for order in orders), 0)
        shape = shape_of(self._model, whole, settings)
        noise = frame_noise(first.seed, whole.shot, shape).to(self._model.device)
        scheduler = self._model.scheduler(settings.num_inference_steps)
        begin = 0 if first.source is None else first_step(settings.num_inference_steps, settings.strength)
        pins = {order.window.start + place: pin for order in orders for place, pin in order.pins.items()}
        latents, joint = noise, Joint.of(None, None, noise, pins)
        hold: Hold = joint
        if first.source is not None:
            source = _joined(orders, [order.source for order in orders]).to(noise)
            latents = add_noise(source, noise, float(scheduler.sigmas[begin]))
            if first.kept is not None:
                region = Joint(source, _joined(orders, [order.kept for order in orders]).to(noise), noise)
                hold = lambda it, sigma: joint(region(it, sigma), sigma)  # noqa: E731 - one of two holds
        scheduler.set_begin_index(begin)
        lead = lead_of(first, control, shape)
        if lead is None:
            return Run(scheduler, begin, latents, hold, 0)
        return Run(scheduler, begin, torch.cat([lead.to(latents), latents], 2), hold, lead.shape[2])

    def _part(self, order: Order, control: Conditioning | None, lead: int) -> Part:
        maker, window = self._maker, order.window
        encode = maker.text_of(window, lead)
        blend = blend_of(order.transition, encode)
        if blend is not None and lead:
            blend = replace(blend, weights=torch.cat([torch.zeros(1, 1, lead, 1, 1), blend.weights], 2))
        guide = Guide(encode(order.prompt), self._plan, control, blend, batched=not self._sparing)
        return Part(window.start, window.stop, window.head, guide)

    @staticmethod
    def _held(run: Run, sigma: float) -> Tensor:
        """The latents with what is known of the clip put into them."""
        return torch.cat([run.latents[:, :, : run.lead], run.hold(run.latents[:, :, run.lead :], sigma)], 2)

    def _velocity(self, run: Run, parts: Sequence[Part], share: tuple[float, float]) -> Tensor:
        """All windows' predictions for the step. Where two overlap, the later one counts more from frame to frame."""
        lead, stream = run.latents[:, :, : run.lead], run.latents[:, :, run.lead :]
        of_lead, velocity = torch.zeros_like(lead), torch.zeros_like(stream)
        for n, part in enumerate(parts):
            self._ctx.checkpoint()
            seen = torch.cat([lead, stream[:, :, part.start : part.stop]], 2)
            made = part.guide.velocity(self._model, seen, run.timestep, run.done, run.steps)
            of_lead += made[:, :, : run.lead] / len(parts)
            _lay(velocity, part, made[:, :, run.lead :])
            self._say(share, run, (run.done + (n + 1) / (len(parts) + 1)) / run.steps)
        return torch.cat([of_lead, velocity], 2)

    def _found(self, run: Run, shot: int, name: str) -> None:
        """Go on after the last step that was committed."""
        kept = self._ctx.chunks.load(FIRST + shot, name)
        if kept is not None:
            run.done, run.latents = int(kept.pop("steps_done")), kept.pop("stream").to(run.latents)
            restore(run.scheduler, kept, self._model.device)

    def _keep(self, run: Run, order: Order, name: str) -> None:
        state = {"steps_done": torch.tensor(run.done), "stream": run.latents, **remembered(run.scheduler)}
        self._ctx.chunks.commit(FIRST + order.window.shot, name, state, seed=order.seed, about={"checkpoint": run.done})

    def _say(self, share: tuple[float, float], run: Run, part: float, preview: bytes | None = None) -> None:
        fraction = share[0] + share[1] * part
        self._ctx.report(Progress(Stage.DENOISING, fraction, step=run.done, total_steps=run.steps, preview=preview))


def _lay(velocity: Tensor, part: Part, made: Tensor) -> None:
    """Put a window's prediction into the stream's, laid over that of the windows before where they overlap."""
    middle = part.start + part.head
    own = (1 - firmness(part.head)).view(1, 1, -1, 1, 1).to(made)
    before = velocity[:, :, part.start : middle]
    velocity[:, :, part.start : middle] = torch.lerp(before, made[:, :, : part.head], own)
    velocity[:, :, middle : part.stop] = made[:, :, part.head :]


def _joined(orders: Sequence[Order], parts: Sequence[Tensor | None]) -> Tensor:
    """What the windows have of a stream, each frame once."""
    there = zip(orders, parts, strict=True)
    return torch.cat([part[:, :, order.window.head :] for order, part in there if part is not None], 2)

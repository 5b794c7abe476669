"""The contract between a long clip and who makes its windows.

The clip plans, keeps, joins, mends, resumes and records; a maker turns one order into latents in a model's own way.
"""

from collections.abc import Iterable
from typing import Protocol

from torch import Tensor

from vidgen.longvideo.order import Order
from vidgen.runtime.context import RunContext
from vidgen.runtime.verdict import Verdict
from vidgen.stages.model import Decoder


class Maker(Protocol):
    """Makes windows of one clip. The same order gives the same latents, bit by bit."""

    @property
    def model(self) -> Decoder:
        """What shows the latents."""
        ...

    @property
    def model_fingerprint(self) -> str:
        """Names everything about the model that its numbers depend on."""
        ...

    def fingerprint(self, order: Order) -> str:
        """The hash of everything that determines the window's latents."""
        ...

    def make(self, order: Order, share: tuple[float, float], ctx: RunContext) -> Tensor:
        """The window's latents `[1, z, frames, h, w]`, its head and tail included.

        `share` is where its steps begin on the progress bar and how much of it they take. Raises Cancelled within one
        step of a cancel.
        """
        ...

    def judged(self, order: Order, latents: Tensor, ctx: RunContext) -> Iterable[Verdict]:
        """What the model says of a finished window's regions; nothing where it has none, or cannot tell."""
        ...

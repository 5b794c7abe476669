"""Guidance that is another at each step, for pipelines that know one scale for a whole run.

Their formula is `u + w·(c - u)`; the number `w` that they are given here asks, whenever it is used, which step it is.
"""

from typing import Any

from vidgen.components.guidance import GuidancePlan


class TurningScale(float):
    """The scale of a plan at the step in hand; 1 where there is no guidance.

    `skips`: whether the pipeline runs its unconditional pass by itself and asks before each whether it is needed, so
    that steps without guidance run none. One that runs both as one batch must run them all.
    """

    def __new__(cls, plan: GuidancePlan, pipeline: Any, *, skips: bool) -> "TurningScale":  # noqa: ARG004
        return super().__new__(cls, plan.scale)

    def __init__(self, plan: GuidancePlan, pipeline: Any, *, skips: bool) -> None:
        self._plan, self._pipeline, self._skips = plan, pipeline, skips
        self._done = 0

    def step_done(self) -> None:
        self._done += 1

    @property
    def now(self) -> float:
        """The step's scale; where the steps are gone through more than once, each time the same ones."""
        steps = self._steps or 1
        at, plan = self._done % steps, self._plan.at(self._done % steps, steps)
        return plan.scale if plan.acts(at, steps) else 1.0

    @property
    def _steps(self) -> int | None:
        """None until the pipeline has laid them out; before, it asks whether to encode a negative prompt."""
        found: int | None = getattr(self._pipeline, "_num_timesteps", None)
        return found

    def __gt__(self, least: float) -> bool:
        return (self.now if self._skips and self._steps else self._plan.scale) > least

    def __mul__(self, difference: Any) -> Any:
        return self.now * difference

    __rmul__ = __mul__

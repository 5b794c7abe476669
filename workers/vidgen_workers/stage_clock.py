"""How long an attempt spent in each stage, from the runner's reports; each stage becomes a span of the job's trace.

The runner knows no network, so the supervisor makes its spans, with the times that the runner gave.
"""

from collections import defaultdict

from vidgen.spec import Stage
from vidgen.telemetry.tracing import past_span

SPANS = {
    Stage.LOADING: "load",
    Stage.ENCODING: "encode",
    Stage.DENOISING: "denoise",
    Stage.DECODING: "decode",
    Stage.PROCESSING: "process",
    # the files' move into the store is the supervisor's, and is called publish
    Stage.PUBLISHING: "finish",
}


class StageClock:
    """One attempt's stages. `trace` is the traceparent that they belong under."""

    def __init__(self, trace: str) -> None:
        self.trace = trace
        self.seconds: defaultdict[Stage, float] = defaultdict(float)
        self._stage: Stage | None = None
        self._since = 0.0

    def saw(self, stage: Stage, at: float) -> None:
        """The runner reported this stage at that time, in seconds since 1970."""
        if stage is not self._stage:
            self.end(at)
            self._stage, self._since = stage, at

    def end(self, at: float) -> None:
        """The stage in hand is over, however the attempt ends."""
        if self._stage is None:
            return
        self.seconds[self._stage] += max(0.0, at - self._since)
        past_span(SPANS.get(self._stage, self._stage.value), self.trace, self._since, max(at, self._since), {})
        self._stage = None

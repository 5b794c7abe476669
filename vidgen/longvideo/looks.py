"""Which prompt a window follows, and where a clip begins to look otherwise because another prompt asks for it."""

from dataclasses import dataclass

from vidgen.longvideo.chunk import Chunk
from vidgen.longvideo.order import Transition
from vidgen.longvideo.planner import Window
from vidgen.longvideo.script import Script
from vidgen.spec import Take


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """Speaks of a script's windows."""

    script: Script

    def branch(self, window: Window) -> Take | None:
        """The take that the window is part of, if everything after a chosen chunk is made again."""
        return next((take for take in reversed(self.script.takes) if _branches(take, window)), None)

    def prompt(self, window: Window) -> str:
        branch = self.branch(window)
        return self.script.prompts[window.span] if branch is None or branch.prompt is None else branch.prompt

    def transition(self, window: Window) -> Transition | None:
        """The prompt that still counts where a span has just begun, each latent frame a little less."""
        length = self.script.transitions[window.span] if self.script.transitions else 0
        if length == 0:
            return None
        begin = min(other.start + other.head for other in self.script.windows if other.span == window.span)
        places = range(window.start - begin, window.stop - begin)
        weights = tuple(min(1.0, max(0.0, 1 - (place + 0.5) / length)) for place in places)
        fresh = weights[window.head :]
        return Transition(self.script.prompts[window.span - 1], weights) if any(fresh) else None

    def begins_with(self, window: Window) -> bool:
        """Whether a window to be made follows another prompt than the one before it, or may still be on the way."""
        if window.n == 0:
            return False
        before = self.script.windows[window.n - 1]
        return self.prompt(before) != self.prompt(window) or self.on_the_way(before)

    def turns(self, before: Chunk, after: Chunk) -> bool:
        """The same of two chunks that are there."""
        return before.prompt != after.prompt or self.on_the_way(before.window)

    def on_the_way(self, window: Window) -> bool:
        """Whether a window still goes over to its look: within a transition, and where it goes on from a window with
        another prompt, whose colours it begins with."""
        return self.transition(window) is not None or self._goes_over(window)

    def _goes_over(self, window: Window) -> bool:
        return (
            window.n > 0 and window.head > 0 and self.prompt(self.script.windows[window.n - 1]) != self.prompt(window)
        )


def _branches(take: Take, window: Window) -> bool:
    return take.then == "remake" and take.chunk <= window.n

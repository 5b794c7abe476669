"""How fast the motion goes that other items ask for: 1 as they say."""

from dataclasses import dataclass, replace

from vidgen.motion.canvas import Canvas


@dataclass(frozen=True, slots=True)
class MotionStrength:
    """Comes before the items that it scales. 0 rests, 2 is twice as fast."""

    factor: float

    def apply_to(self, canvas: Canvas) -> Canvas:
        return replace(canvas, strength=self.factor)

"""All that a clip is conditioned on, and the canvas of any of its frames."""

from collections.abc import Sequence
from dataclasses import dataclass

from vidgen.motion.canvas import Canvas, ConditioningItem, blank_canvas, painted


@dataclass(frozen=True, slots=True, eq=False)
class NamedItem:
    """`name` says by content what the item is, and `frames` (first, and beyond the last) of what it speaks; None: all.

    Two items of one name paint the same.
    """

    item: ConditioningItem
    name: str
    frames: tuple[int, int] | None = None

    def reaches(self, first: int, count: int) -> bool:
        return self.frames is None or (self.frames[0] < first + count and first < self.frames[1])


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """In the order in which they are painted. `full_speed` is that of a drawn motion's full colour, in widths a frame;
    None: the fastest of each canvas. `around`: of a loop."""

    items: Sequence[NamedItem] = ()
    full_speed: float | None = None
    around: bool = False

    def canvas(self, first: int, count: int, total: int, height: int, width: int) -> Canvas:
        """Frames `first` to `first + count` of the clip of `total`, with every item painted that speaks of them.

        Raises SpecError when two items claim the same frame.
        """
        there = [it.item for it in self.items if it.reaches(first, count)]
        return painted(there, blank_canvas(count, height, width, first=first, total=total, around=self.around))

    def name_of(self, first: int, count: int) -> str:
        """The names of the items that speak of these frames."""
        return "/".join(it.name for it in self.items if it.reaches(first, count))

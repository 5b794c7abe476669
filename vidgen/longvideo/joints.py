"""Where the chunks of a clip join, in frames: what the seam measures need to know of windows and latents."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from vidgen.longvideo.chunk import Chunk
from vidgen.longvideo.planner import GROUP, Window
from vidgen.quality.seams import Joint


def joint_at(start: int, stop: int, group: int = GROUP, *, opens: bool = False) -> Joint:
    """The joint of two windows that share the latent frames `start` to `stop - 1` of a stream, in frames of its shot.

    The first shared latent is the earlier window's own, what follows the last one is the later window's: in between
    lie the steps where one turns into the other. A latent at `p > 0` of four frames shows the frames `4p - 3` to `4p`.
    """
    first = group * start + 1
    return Joint(first, max(first, group * (stop - 1) + 1), opens=opens)


def frames_before(position: int, group: int = GROUP) -> int:
    """How many frames of a shot come before its latent frame `position`."""
    return group * (position - 1) + 1 if position else 0


def own_joint(window: Window, group: int = GROUP, *, opens: bool = False) -> Joint:
    """The joint at which a window goes on from the one before."""
    return joint_at(window.start, window.start + window.head, group, opens=opens)


def met_at(position: int, group: int = GROUP, *, opens: bool = False) -> Joint:
    """The joint of two windows of which the later one begins with latent frame `position`, and shares nothing new."""
    return joint_at(position - 1, position, group, opens=opens)


def joint_into(stop: int, tail: int, group: int = GROUP) -> Joint:
    """The joint at which a window that ends before latent frame `stop` leads up to a clip that was there before.

    The last `tail` of its latents are the clip's own, held wholly: what it made itself meets the first of them, and the
    clip's frames fade in over their length.
    """
    return joint_at(stop - tail - 1, stop, group)


def joints_of(
    shots: Sequence[Sequence[Chunk]],
    clock: Sequence[int],
    group: int = GROUP,
    *,
    opens: Callable[[Chunk, Chunk], bool] = lambda before, after: before.prompt != after.prompt,
    blended: bool = True,
) -> Iterator[Joint]:
    """All joints of a clip, in its own frames: `shots` are its chunks in order of time, each cut to what it gives.

    `clock` says, by shot, as which frame of the clip latent frame 1 begins. Where two shots meet is a cut. Windows that
    are not `blended` leave what they share as it was. `opens` says of two chunks whether the later one begins
    a new look.
    """
    for number, line in enumerate(shots):
        if number > 0:
            begin = frames_before(line[0].start, group) + clock[line[0].window.shot] - 1
            yield Joint(begin, begin, cut=True)
        if line[0].window.head:  # it goes on from a clip that was there before
            yield own_joint(line[0].window, group).moved(clock[line[0].window.shot] - 1)
        for before, after in pairwise(line):
            new = opens(before, after)
            if blended:
                joint = joint_at(after.window.start, before.window.stop, group, opens=new)
            else:
                joint = met_at(after.start, group, opens=new)
            yield joint.moved(clock[after.window.shot] - 1)
        end = line[-1].window
        if end.tail and not end.head:  # it leads up to a clip that was there before
            yield joint_into(end.stop, end.tail, group).moved(clock[end.shot] - 1)

"""What is recorded of a clip's chunks: beside each one, in the receipt, and for those who go on from their latents."""

from collections.abc import Iterator, Sequence
from itertools import chain

from vidgen.longvideo.chunk import Chunk
from vidgen.longvideo.fingerprint import content_hash
from vidgen.longvideo.joints import frames_before, joints_of
from vidgen.longvideo.looks import Looks
from vidgen.longvideo.script import Script
from vidgen.longvideo.streams import Streams, shots_of
from vidgen.quality.seams import Joint
from vidgen.runtime.context import RunContext

Facts = dict[str, object]


class Record:
    """Describes the chunks of a script's clip. `model` is the fingerprint of the model that made them."""

    def __init__(self, script: Script, streams: Streams, model: str) -> None:
        self._script, self._streams, self._model = script, streams, model

    def about(self, chunk: Chunk, turn: int = 0) -> Facts:
        """A chunk's place in the clip, and its prompt."""
        window = chunk.window
        first, last = self._script.frames(window.shot, window.start + window.head, window.stop - window.tail)
        return {
            "chunk": window.n,
            "take": chunk.take,
            "shot": window.shot,
            "window": [window.start, window.stop],
            "first_frame": max(0, first - turn),
            "last_frame": last - turn,
            "prompt": chunk.prompt,
        }

    def tell(self, chunks: Sequence[Chunk], ctx: RunContext, turn: int = 0) -> None:
        """Say what the finished clip is made of: to the receipt, and to those who go on from its latents.

        `turn` is by how many frames the clip begins later than its latents.
        """
        for chunk in chunks:
            made = {"seed": chunk.seed, "sha256": content_hash(self._streams.latents(chunk))}
            ctx.note("chunks", self.about(chunk, turn) | made)
        lines = [self._streams.line(shot, chunks) for shot in shots_of(chunks)]
        clock = [begin - turn for begin in self._script.clock]
        opens, blended = Looks(self._script).turns, not self._script.from_the_end
        joints = joints_of(lines, clock, self._script.group, opens=opens, blended=blended)
        for joint in chain(self._known_cuts(), joints):
            ctx.note("joints", {"frames": [joint.first, joint.last], "cut": joint.cut, "opens": joint.opens})
        if self._script.sealable and not self._script.loop:
            ctx.chunks.seal({"model": self._model, "shots": self._pieces(chunks)})

    def _known_cuts(self) -> Iterator[Joint]:
        """Those of the clip that is gone on from in latents."""
        begin = 0
        for shot in () if self._script.history is None else self._script.history.shots:
            if begin:
                yield Joint(begin, begin, cut=True)
            begin += frames_before(sum(piece.length for piece in shot), self._script.group)

    def _pieces(self, chunks: Sequence[Chunk]) -> list[list[list[object]]]:
        """Where the latents of every shot lie, in order of time: number, fingerprint, and from where to where."""
        earlier = [] if self._script.history is None else self._script.history.shots
        known = [[[it.number, it.fingerprint, it.start, it.stop] for it in shot] for shot in earlier]
        for shot in shots_of(chunks):
            line = self._streams.line(shot, chunks)
            # what is gone on from lies before the first shot's own latents
            begun = known.pop() if known and shot == 0 else []
            offsets = [(it, it.window.start) for it in line]
            known.append(begun + [[it.number, it.fingerprint, it.start - zero, it.stop - zero] for it, zero in offsets])
        return known

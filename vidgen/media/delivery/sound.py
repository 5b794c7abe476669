"""The sound of a source beside new pictures: in step with them, copied where the file takes it as it is.

Sound is written as the pictures come, up to the time that they have reached, so that neither has to wait in memory for
the other, and ends with them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

RATE = 48000
BITS_PER_SECOND = {1: 96_000, 2: 160_000}


@dataclass(frozen=True, slots=True)
class Soundtrack:
    """The sound of the clip `path` from `first` to `last` seconds, heard from `at` seconds of the pictures on."""

    path: Path
    first: Fraction = Fraction(0)
    last: Fraction | None = None
    at: Fraction = Fraction(0)


class Sound:
    """The first audio stream of `source`, for `output`. `encoder` is FFmpeg's name; AAC is copied into AAC.

    `begins` is when the pictures begin, in seconds of the source; of the sound, what lies from `first` to `last` is
    taken. Create it before anything is written to `output`.
    """

    def __init__(
        self,
        output: "av.container.OutputContainer",
        source: "av.container.InputContainer",
        encoder: str,
        *,
        begins: Fraction = Fraction(0),
        first: Fraction = Fraction(0),
        last: Fraction | None = None,
        copy: bool = True,
    ) -> None:
        self._output, self._source = output, source
        self._begins, self._first, self._last = begins, first, last
        self._from = source.streams.audio[0]
        self.copied = copy and encoder == self._from.codec_context.name
        self._to = output.add_stream_from_template(self._from) if self.copied else self._new_stream(encoder)
        self.kept = "copied" if self.copied else encoder
        self._pieces = self._copies() if self.copied else self._frames()
        self._next = next(self._pieces, None)

    def until(self, seconds: Fraction) -> None:
        """Write what begins before `seconds` of the pictures."""
        while self._next is not None and self._next[0] < seconds:
            self._write(self._next[1])
            self._next = next(self._pieces, None)

    def finish(self, seconds: Fraction) -> None:
        """Write what is left up to the end of the pictures."""
        self.until(seconds)
        if not self.copied:
            self._output.mux(self._to.encode())

    def _new_stream(self, encoder: str) -> av.AudioStream:
        channels = min(2, self._from.codec_context.channels)
        stream = self._output.add_stream(encoder, rate=RATE)
        stream.codec_context.layout = "stereo" if channels == 2 else "mono"
        stream.bit_rate = BITS_PER_SECOND[channels]
        return stream

    def _write(self, piece: "av.Packet | av.AudioFrame") -> None:
        if isinstance(piece, av.Packet):
            piece.stream = self._to
            self._output.mux(piece)
        else:
            self._output.mux(self._to.encode(piece))

    def _copies(self) -> Iterator[tuple[Fraction, av.Packet]]:
        """Packets and when they begin, in seconds of the pictures."""
        for packet in self._source.demux(self._from):
            if not packet.size or packet.pts is None:
                continue
            start, seconds = packet.pts * packet.time_base, (packet.duration or 0) * packet.time_base
            if self._is_over(start):
                return
            if start + seconds >= self._first:
                shift = round(self._begins / packet.time_base)
                packet.pts, packet.dts = packet.pts - shift, (packet.dts or packet.pts) - shift
                yield start - self._begins, packet

    def _frames(self) -> Iterator[tuple[Fraction, av.AudioFrame]]:
        """Decoded sound and when it begins, in seconds of the pictures."""
        for frame in self._source.decode(self._from):
            if frame.pts is None:
                continue
            start = frame.pts * frame.time_base
            if self._is_over(start):
                return
            if start + Fraction(frame.samples, frame.sample_rate) > max(self._first, self._begins):
                frame.pts = round((start - self._begins) / frame.time_base)
                yield start - self._begins, frame

    def _is_over(self, start: Fraction) -> bool:
        return self._last is not None and start >= self._last

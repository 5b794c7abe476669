"""`python -m vidgen.motion.controls.strip FILE OUT KIND WIDTH HEIGHT FPS SMOOTHING`: a few frames of a drawn control.

What a job of that size would follow, to be looked at before it is asked for: one JPEG, frames side by side. Only the
beginning of a clip is drawn.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image

from vidgen.errors import MediaError, VidgenError
from vidgen.media.confinement import limit_resources
from vidgen.media.frames import FrameChunk
from vidgen.media.probe import probe
from vidgen.media.source import is_still, read_picture, stream_clip
from vidgen.motion.controls.draw import drawn
from vidgen.spec import frames_at
from vidgen.spec.conditioning.control import ControlKind

LOOKED_AT = 25
SHOWN = 4
SHOWN_SIDE = 160


def strip(path: Path, kind: ControlKind, *, width: int, height: int, fps: int, smoothing: float) -> FrameChunk:
    """`uint8 [height, n * width, 3]`, at most 160 pixels high; `n` is 4, or as many as there are, 1 of a picture.

    Raises SpecError where the kind cannot be drawn of it, MediaError where it cannot be read.
    """
    seen = [_small(frame) for frame in drawn(kind, _frames(path, width, height, fps), smoothing=smoothing)]
    if not seen:
        raise MediaError("the clip holds no frame at that rate")
    # the first frame has no motion yet
    chosen = np.linspace(min(1, len(seen) - 1), len(seen) - 1, min(SHOWN, max(1, len(seen) - 1)))
    return np.concatenate([seen[round(n)] for n in chosen], axis=1)


def _frames(path: Path, width: int, height: int, fps: int) -> Iterator[FrameChunk]:
    if is_still(path):
        yield read_picture(path, width=width, height=height)[0]
        return
    about = probe(path)
    count = min(LOOKED_AT, frames_at(about.num_frames, float(about.fps), fps))
    for chunk in stream_clip(path, width=width, height=height, num_frames=count, fps=fps):
        yield from chunk


def _small(frame: FrameChunk) -> FrameChunk:
    picture = Image.fromarray(frame)
    picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.BOX)
    return np.asarray(picture)


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 7:
        print("usage: python -m vidgen.motion.controls.strip FILE OUT KIND WIDTH HEIGHT FPS SMOOTHING", file=sys.stderr)
        return 64
    limit_resources()
    file, out, kind, width, height, fps, smoothing = arguments
    try:
        made = strip(
            Path(file),
            cast(ControlKind, kind),
            width=int(width),
            height=int(height),
            fps=int(fps),
            smoothing=float(smoothing),
        )
        Image.fromarray(made).save(out, "JPEG", quality=90)
        print(json.dumps({"width": made.shape[1], "height": made.shape[0]}))
    except VidgenError as error:
        print(json.dumps({"error": {"code": error.code, "message": error.message}}))
        return 2
    except MemoryError:
        print(json.dumps({"error": {"code": "invalid_media", "message": "needs too much memory to draw"}}))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

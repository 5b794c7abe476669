"""What `restore` takes back: PSNR to the clean frames, of spoiled frames as they are, sharpened and restored."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from tests.bench.seams.film import shots
from tests.unit.post.scenes import disc, texture
from vidgen.media.frames import FrameChunk
from vidgen.media.reader import every_frame
from vidgen.media.writer import write_video
from vidgen.post.restore import Restorer
from vidgen.post.sharpen import Sharpener
from vidgen.spec.post import Sharpen
from vidgen_models.frame_networks import load_upscaler
from vidgen_models.networks import NetworkRegistry

FRAMES, FPS, POOR, SOFT = 8, 8, 32, 0.8


def restore_table(films: Path) -> Iterator[str]:
    """A row for each way of spoiling frames and each clip."""
    upscaler = NetworkRegistry().upscaling(2)
    net = load_upscaler(upscaler)
    yield f"with {upscaler.id}, revision {upscaler.revision}\n"
    yield "| frames | spoiled by | as they are | `sharpen` | `restore` |\n|---|---|---|---|---|"
    for spoiled, spoil in SPOILED.items():
        for name, clean in clips(films).items():
            poor = spoil(clean)
            steps = Sharpener(Sharpen()), Restorer(net, 1.0)
            made = [poor, *(np.concatenate(list(step.through(iter([poor])))) for step in steps)]
            yield f"| {name} | {spoiled} | {' | '.join(f'{psnr(it, clean):.1f}' for it in made)} |"


def clips(films: Path) -> dict[str, FrameChunk]:
    """A drawn disc and a soft texture at 64 pixels, and shots of animated and of camera film at 128."""
    drawn = {"drawn disc": disc(FRAMES)[0], "soft texture": texture(FRAMES)}
    held_out = {f"{shot.film}, frame {shot.first}": frames[:FRAMES] for shot, frames in shots(films, held_out=True)}
    return drawn | held_out


def psnr(one: FrameChunk, other: FrameChunk) -> float:
    return float(10 * np.log10(255**2 / np.square(one.astype(float) - other).mean()))


def _compressed(frames: FrameChunk) -> FrameChunk:
    with tempfile.TemporaryDirectory() as folder:
        path = write_video([frames], Path(folder) / "poor.mp4", fps=FPS, crf=POOR).path
        return np.stack(list(every_frame(path)))


def _softened(frames: FrameChunk) -> FrameChunk:
    return np.stack([cv2.GaussianBlur(frame, (0, 0), SOFT) for frame in frames])


SPOILED: dict[str, Callable[[FrameChunk], FrameChunk]] = {
    f"H.264 at CRF {POOR}": _compressed,
    f"blur of {SOFT} pixels": _softened,
}

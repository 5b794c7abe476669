"""What an invisible mark survives: bits read wrong and how sure they are, beside the same clip without a mark."""

import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from tests.bench.encode import film
from tests.unit.post.scenes import disc, texture
from vidgen.media.delivery.deliver import deliver
from vidgen.media.frames import FrameChunk
from vidgen.media.reader import every_frame
from vidgen.post.chain import Chain, Tools
from vidgen.post.invisible.message import BITS, bits_of, message_in
from vidgen.post.invisible.read import WatermarkReader
from vidgen.post.invisible.write import InvisibleMarker
from vidgen.spec import ClipShape, Output, PostStep, Recipe, TextToVideo, resolve, resolved_output
from vidgen.spec.post import Interpolate, InvisibleWatermark, Upscale
from vidgen_models.networks import NetworkRegistry

MESSAGE, FPS, RANDOM = "c0ffee42", 8, 200_000
Way = Callable[[FrameChunk], FrameChunk]


def mark_table() -> Iterator[str]:
    yield "| clip (PSNR, largest change) | " + " | ".join(WAYS) + " | without a mark, `high` |"
    yield "|" + "---|" * (len(WAYS) + 2)
    for name, plain in clips().items():
        marked = _marked(plain)
        change = marked.astype(float) - plain
        loss = 10 * np.log10(255**2 / np.square(change).mean())
        cells = [_told(way(marked)) for way in (*WAYS.values(),)]
        about = f"{name} ({loss:.1f} dB, {np.abs(change).max():.0f})"
        yield f"| {about} | {' | '.join(cells)} | {_told(WAYS['`high`'](plain))} |"
    rng = np.random.default_rng(0)
    passed = sum(message_in(bits) is not None for bits in rng.integers(0, 2, (RANDOM, BITS), np.uint8))
    yield f"\n{passed} of {RANDOM} drawings of random bits are a message"


def clips() -> dict[str, FrameChunk]:
    """16 frames of 64×64, and 8 of 640×360."""
    large = np.stack([np.ascontiguousarray(frame[::2, ::2]) for frame in film(8)])
    return {"cat": _cat(), "disc on black": disc(16, ground=(0, 0, 0))[0], "texture": texture(16), "640×360": large}


def _cat() -> FrameChunk:
    from vidgen.pipelines import Residency
    from vidgen.pipelines.factory import pipeline_for
    from vidgen.runtime.context import RunContext
    from vidgen_models.registry import ModelRegistry

    residency = Residency(ModelRegistry())
    asked = TextToVideo(prompt="a cat spins on a blue background", seed=1, num_frames=17)
    spec = resolve(asked, residency.registry.get(asked.model).rules)
    made = pipeline_for(spec.task, residency.model(spec.model))(spec, RunContext())
    return np.concatenate(list(made))[:16]


def _marked(frames: FrameChunk) -> FrameChunk:
    return np.concatenate(list(InvisibleMarker(InvisibleWatermark(message=MESSAGE)).through(iter([frames]))))


def _told(frames: FrameChunk) -> str:
    reader = WatermarkReader()
    for _ in reader.through(iter([frames])):
        pass
    return f"{int((reader.bits != bits_of(MESSAGE)).sum())} ({reader.reading.certainty:.2f})"


def _encoded(**output: str) -> Way:
    def way(frames: FrameChunk) -> FrameChunk:
        with tempfile.TemporaryDirectory() as folder:
            asked = resolved_output(Output.model_validate(output), fps=FPS)
            recipe = Recipe(spec=TextToVideo(), model_revision="", vidgen="")
            file = deliver([frames], Path(folder), output=asked, fps=FPS, recipe=recipe).path
            return np.stack(list(every_frame(file)))

    return way


def _processed(*steps: PostStep) -> Way:
    def way(frames: FrameChunk) -> FrameChunk:
        count, height, width = frames.shape[:3]
        tools = Tools(media={}, networks=NetworkRegistry())
        chain = Chain(steps, ClipShape(width, height, count, Fraction(FPS)), tools)
        return np.concatenate(list(chain.through(iter([frames]))))

    return way


def _smaller(frames: FrameChunk) -> FrameChunk:
    height, width = frames.shape[1:3]
    size = (width * 3 // 4, height * 3 // 4)
    return np.stack([cv2.resize(it, size, interpolation=cv2.INTER_AREA) for it in frames])


WAYS: dict[str, Way] = {
    "as it is": lambda frames: frames,
    "`high`": _encoded(quality="high"),
    "`standard`": _encoded(quality="standard"),
    "`draft`": _encoded(quality="draft"),
    "enlarged ×2, then `high`": lambda frames: _encoded(quality="high")(_processed(Upscale())(frames)),
    "interpolated ×2 and enlarged": _processed(Interpolate(factor=2), Upscale()),
    "×0.75": _smaller,
    "VP9 `standard`": _encoded(format="webm", quality="standard"),
}

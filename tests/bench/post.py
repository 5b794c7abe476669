"""`make bench-post`: seconds that each step takes for a megapixel of its result, and each encoding, on this machine.

The forecast's constants come from here (processor time, which other work disturbs less than the clock).
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from tests.bench.encode import film
from vidgen.media.delivery.deliver import deliver
from vidgen.media.frames import FrameChunk
from vidgen.post.chain import Chain, Tools
from vidgen.spec import FORMATS, ClipShape, Output, PostStep, Recipe, TextToVideo, resolved_output
from vidgen.spec.post import NormaliseColour, RemoveBackground, Sharpen, ToneMap, Watermark
from vidgen_models.networks import NetworkRegistry

SHAPE = ClipShape(640, 360, 24, Fraction(24))
STEPS: tuple[PostStep, ...] = (
    NormaliseColour(),
    ToneMap(),
    Sharpen(),
    RemoveBackground(colour="#304060"),
    Watermark(text="vidgen"),
)


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def run(step: PostStep, chunks: Iterator[FrameChunk]) -> None:
    for _ in Chain((step,), SHAPE, Tools(media={}, networks=NetworkRegistry())).through(chunks):
        pass


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    frames = np.stack([np.ascontiguousarray(frame[::2, ::2]) for frame in film(SHAPE.num_frames)])
    for step in STEPS:
        took = seconds(lambda step=step: run(step, iter([frames])))  # type: ignore[misc]
        print(f"{step.step:18} {took / SHAPE.megapixels:7.3f} s a megapixel", flush=True)
    recipe = Recipe(spec=TextToVideo(), model_revision="", vidgen="")
    for name, rule in FORMATS.items():
        for codec in rule.codecs:
            output = resolved_output(Output(format=name, codec=codec), fps=24)
            with tempfile.TemporaryDirectory() as folder:
                took = seconds(lambda f=folder, o=output: deliver([frames], Path(f), output=o, fps=24, recipe=recipe))  # type: ignore[misc]
            print(f"{codec:18} {took / SHAPE.megapixels:7.3f} s a megapixel", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

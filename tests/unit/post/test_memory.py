"""Steps and writers stream: ten times the length needs no more memory."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from vidgen.media.delivery.deliver import deliver
from vidgen.post.chain import Chain, Tools
from vidgen.spec import ClipShape, Output, Recipe, TextToVideo, resolved_output
from vidgen.spec.post import NormaliseColour, RemoveBackground, Sharpen, ToneMap, Watermark
from vidgen_models.networks import NetworkRegistry
name, count = sys.argv[1], int(sys.argv[2])
noise = np.random.default_rng(0).integers(0, 255, (1, 240, 320, 3), np.uint8)
shape = ClipShape(320, 240, count, Fraction(24))
steps = (NormaliseColour(), ToneMap(), Sharpen(), RemoveBackground(colour="#204060"), Watermark(text="v"))
if name == "mp4":
    steps = steps[:3]
chain = Chain(steps, shape, Tools(media={}, networks=NetworkRegistry()))
alpha = chain.result.alpha
output = resolved_output(Output(format=name, quality="draft"), fps=24, alpha=alpha)
recipe = Recipe(spec=TextToVideo(), model_revision="", vidgen="")
frames = (np.roll(noise, n, 2) for n in range(count))
written = deliver(chain.through(frames), Path(sys.argv[3]), output=output, fps=24, recipe=recipe, alpha=alpha)
print(written.num_frames, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak_mb(name: str, num_frames: int, folder) -> int:
    folder.mkdir()
    command = [sys.executable, "-c", PROGRAM, name, str(num_frames), str(folder)]
    frames, peak = map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert frames == num_frames
    return peak


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mp4", "webp"])
def test_memory_does_not_grow_with_the_length(tmp_path, name):
    """The 110 further frames held at once would be 25 MB. Fails when a writer collects its frames first: tried."""
    short, long = peak_mb(name, 30, tmp_path / "short"), peak_mb(name, 140, tmp_path / "long")
    assert long - short < 12

"""A file's bytes do not depend on how many processors the machine that wrote it has."""

import os
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from vidgen.media.delivery.deliver import deliver
from vidgen.media.writer import write_video
from vidgen.spec import FORMATS, Output, Recipe, TextToVideo, resolved_output

STREAMED = [(name, codec) for name in ("mp4", "webm", "prores") for codec in FORMATS[name].codecs]
LOSSLESS = [(name, codec) for name, codec in STREAMED if codec in FORMATS[name].lossless]
RECIPE = Recipe(spec=TextToVideo(prompt="a cat", seed=7), model_revision="3", vidgen="0")


def film() -> np.ndarray:
    """A textured ground that pans under grain: high enough for several frame threads (x264 takes one per 32 rows)."""
    random = np.random.default_rng(0)
    ground = random.integers(0, 250, (18, 48, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    grain = random.integers(0, 6, (144, 256, 3), np.uint8)
    return np.stack([ground[:, 5 * n : 5 * n + 256] + np.roll(grain, 7 * n, 1) for n in range(10)])


def hashes(folder: Path, processors: set[int]) -> dict[str, str]:
    """Of files of every streamed format, written by a process that has only these processors."""
    os.sched_setaffinity(0, processors)
    frames, told = film(), {}
    for quality, pairs in (("high", STREAMED), ("lossless", LOSSLESS)):
        for name, codec in pairs:
            out = folder / f"{len(processors)}-{codec}-{quality}"
            out.mkdir()
            asked = resolved_output(Output(format=name, codec=codec, quality=quality), fps=24)
            file = deliver([frames], out, output=asked, fps=Fraction(24), recipe=RECIPE).path
            told[f"{codec} {quality}"] = sha256(file.read_bytes()).hexdigest()
    plain = write_video([frames], folder / f"{len(processors)}.mp4", fps=24).path
    return {**told, "plain": sha256(plain.read_bytes()).hexdigest()}


def test_one_processor_writes_what_several_write(tmp_path: Path) -> None:
    """Fails when x264 chooses how many threads it takes, lossless or not: tried."""
    several = sorted(os.sched_getaffinity(0))
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        on_one = pool.submit(hashes, tmp_path, {several[0]}).result()
        on_all = pool.submit(hashes, tmp_path, set(several)).result()
    assert len(on_one) == len(STREAMED) + len(LOSSLESS) + 1
    assert [name for name, found in on_one.items() if on_all[name] != found] == []

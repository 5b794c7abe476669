"""Prompts for parts of the frame on families whose pipelines know one prompt."""

from typing import Any

import numpy as np
import pytest

from tests.tiny_families import cogvideox, skyreels, wan
from tests.unit.families.conftest import distance
from vidgen.media.writer import write_video
from vidgen.runtime.context import RunContext

CASES = [family.CASES[0] for family in (wan, cogvideox, skyreels)]
CASES += [case for case in wan.CASES if case.name in ("wan-2.1-v2v", "wan-2.2-i2v")]
OTHER = "the green dog spins slowly"
GUIDED = {"guidance_scale": 5.0}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_region_follows_its_own_prompt(case, tiny_of):
    """Over the whole frame it is the prompt itself. Fails when regions are left out, or reach the other half: tried."""
    tiny = tiny_of(case)

    def frames(box: tuple[float, float, float, float] | None = None, **changes: Any) -> np.ndarray:
        left, top, right, bottom = box or (0, 0, 1, 1)
        region = {"box": {"left": left, "top": top, "right": right, "bottom": bottom}, "prompt": OTHER, "feather": 0.0}
        return tiny.frames(**GUIDED, **changes, **({} if box is None else {"regions": [region]}))

    plain, other = frames(), frames(prompt=OTHER)
    assert distance(plain, other) > 0
    assert distance(frames((0.0, 0.0, 1.0, 1.0)), other) < 0.01
    half = frames((0.0, 0.0, 0.5, 1.0))
    assert distance(half, plain) > 0
    middle = half.shape[2] // 2
    changed = np.abs(half.astype(int) - plain).mean((0, 1, 3))
    assert changed[:middle].mean() > changed[middle:].mean()
    assert (frames() == plain).all()


def test_words_of_a_region_may_have_weights(tiny_of):
    tiny = tiny_of(wan.CASES[0])
    box = {"left": 0, "top": 0, "right": 1, "bottom": 1}

    def frames(prompt: str) -> np.ndarray:
        return tiny.frames(regions=[{"box": box, "prompt": prompt, "feather": 0.0}])

    assert distance(frames("a (green:2.0) dog"), frames("a green dog")) > 0
    assert distance(frames("a (green:1.0) dog"), frames("a green dog")) < 0.01


def test_a_mask_clip_is_followed_through_the_clip(tiny_of, tmp_path):
    """White on the last frames alone. Fails when the mask is taken for a still: tried."""
    tiny = tiny_of(wan.CASES[0])
    mask = np.zeros((9, 32, 32, 3), np.uint8)
    mask[5:] = 255
    clip = write_video([mask], tmp_path / "mask.mp4", fps=16).path
    ctx = RunContext(media=tiny.media | {"upl_mask": clip})

    def change(**region: Any) -> np.ndarray:
        regions = [{"prompt": OTHER, "feather": 0.0, **region}]
        return np.abs(tiny.frames(ctx, **GUIDED, regions=regions).astype(int) - tiny.frames(**GUIDED)).mean((1, 2, 3))

    late, always = change(media={"upload_id": "upl_mask"}), change(box={"left": 0, "top": 0, "right": 1, "bottom": 1})
    assert late[5:].mean() > 0
    assert late[0] / always[0] < late[5:].mean() / always[5:].mean()

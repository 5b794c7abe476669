"""Prompts for parts of the frame on families whose pipelines know one prompt."""

from typing import Any

import numpy as np
import pytest
import torch

from tests.tiny_families import cogvideox, skyreels, wan
from tests.unit.families.conftest import distance
from vidgen.media.writer import write_video
from vidgen.pipelines import whole_clip
from vidgen.runtime.context import RunContext

CASES = [family.CASES[0] for family in (wan, cogvideox, skyreels)]
CASES += [case for case in wan.CASES if case.name in ("wan-2.1-v2v", "wan-2.2-i2v")]
OTHER = "the green dog spins slowly"
GUIDED = {"guidance_scale": 5.0}


def region(right: float = 1.0) -> dict[str, Any]:
    """The left part of the frame, up to `right` of its width."""
    return {"box": {"left": 0, "top": 0, "right": right, "bottom": 1}, "prompt": OTHER, "feather": 0.0}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_region_follows_its_own_prompt(case, tiny_of):
    """Over the whole frame it is the prompt itself. Fails when regions are left out, or reach the other half."""
    tiny = tiny_of(case)
    plain, other = tiny.frames(**GUIDED), tiny.frames(**GUIDED, prompt=OTHER)
    assert distance(plain, other) > 0
    assert distance(tiny.frames(**GUIDED, regions=[region()]), other) < 0.01
    assert (tiny.frames(**GUIDED) == plain).all()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_after_one_step_each_place_is_as_its_prompt_has_it(case, tiny_of):
    """In the latents, which later steps would mix. Fails when the parts are laid over the wrong axes."""
    tiny = tiny_of(case)
    model: Any = tiny.residency.model("tiny-family")
    steps = 2 if case.task == "video-to-video" else 1  # of which a restyle makes the last

    def latents(**changes: Any) -> Any:
        spec = tiny.spec(**GUIDED, num_inference_steps=steps, **changes)
        with torch.inference_mode():
            return model.generate(whole_clip._request(spec, RunContext(media=tiny.media)), lambda *_: None)

    plain, other, half = latents(), latents(prompt=OTHER), latents(regions=[region(0.5)])
    middle = half.shape[-1] // 2
    assert not torch.allclose(plain, other, atol=1e-4)
    assert torch.allclose(half[..., :middle], other[..., :middle], atol=1e-4)
    assert torch.allclose(half[..., middle:], plain[..., middle:], atol=1e-4)


def test_words_of_a_region_may_have_weights(tiny_of):
    tiny = tiny_of(wan.CASES[0])
    box = {"left": 0, "top": 0, "right": 1, "bottom": 1}

    def frames(prompt: str) -> np.ndarray:
        return tiny.frames(regions=[{"box": box, "prompt": prompt, "feather": 0.0}])

    assert distance(frames("a (green:2.0) dog"), frames("a green dog")) > 0
    assert distance(frames("a (green:1.0) dog"), frames("a green dog")) < 0.01


def test_a_mask_clip_is_followed_through_the_clip(tiny_of, tmp_path):
    """White on the last frames alone. Fails when the mask is taken for a still."""
    tiny = tiny_of(wan.CASES[0])
    mask = np.zeros((9, 32, 32, 3), np.uint8)
    mask[5:] = 255
    clip = write_video([mask], tmp_path / "mask.mp4", fps=16).path
    ctx = RunContext(media=tiny.media | {"upl_mask": clip})

    def change(**region: Any) -> np.ndarray:
        regions = [{"prompt": OTHER, "feather": 0.0, **region}]
        return np.abs(tiny.frames(ctx, **GUIDED, regions=regions).astype(int) - tiny.frames(**GUIDED)).mean((1, 2, 3))

    late, always = change(media={"upload_id": "upl_mask"}), change(box={"left": 0, "top": 0, "right": 1, "bottom": 1})
    assert late.mean() > 0
    assert np.abs(late - always).mean() > 0

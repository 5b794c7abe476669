"""Closed forms: guidance, rectified flow, noise by seed, chunk and frame, the canvas of conditions."""

import pytest
import torch

from vidgen.components.guidance import classifier_free_guidance
from vidgen.components.rectified_flow import add_noise, denoised_estimate, first_step
from vidgen.errors import SpecError
from vidgen.motion.canvas import blank_canvas
from vidgen.motion.keyframe import Keyframe
from vidgen.runtime.seeding import frame_noise


def test_guidance_one_is_the_conditional_prediction_and_two_goes_beyond():
    conditional, unconditional = torch.tensor([3.0]), torch.tensor([1.0])
    assert classifier_free_guidance(conditional, unconditional, 1.0).item() == 3.0
    assert classifier_free_guidance(conditional, unconditional, 2.0).item() == 5.0


def test_the_estimate_undoes_the_noise():
    data, noise = torch.randn(4), torch.randn(4)
    for sigma in (0.0, 0.3, 1.0):
        assert torch.allclose(denoised_estimate(add_noise(data, noise, sigma), noise - data, sigma), data, atol=1e-6)


@pytest.mark.parametrize(("strength", "expected"), [(0.0, 20), (0.02, 20), (0.5, 10), (0.75, 5), (1.0, 0)])
def test_strength_decides_how_many_steps_run(strength, expected):
    assert first_step(20, strength) == expected


def test_noise_depends_on_seed_chunk_and_frame_but_not_on_length():
    shape, longer = (4, 3, 5, 5), (4, 6, 5, 5)
    noise = frame_noise(1, 0, shape)
    assert torch.equal(noise, frame_noise(1, 0, longer)[:, :, :3])
    assert not torch.equal(noise, frame_noise(2, 0, shape))
    assert not torch.equal(noise, frame_noise(1, 1, shape))
    assert not torch.equal(noise[:, :, 0], noise[:, :, 1])


def test_noise_is_standard_normal():
    noise = frame_noise(3, 0, (16, 9, 32, 32))
    assert abs(float(noise.mean())) < 0.01
    assert abs(float(noise.std()) - 1) < 0.01


def test_a_keyframe_paints_its_frame_and_no_other():
    picture = torch.ones(3, 8, 8)
    canvas = Keyframe(picture, index=-1).apply_to(blank_canvas(5, 8, 8))
    assert canvas.mask[0, 0, :, 0, 0].tolist() == [1, 1, 1, 1, 0]
    assert canvas.pixels[0, 0, :, 0, 0].tolist() == [0, 0, 0, 0, 1]


def test_keyframes_outside_or_on_each_other_are_refused():
    canvas = blank_canvas(5, 8, 8)
    with pytest.raises(SpecError, match="frames 0 to 4"):
        Keyframe(torch.ones(3, 8, 8), index=5).apply_to(canvas)
    taken = Keyframe(torch.ones(3, 8, 8)).apply_to(canvas)
    with pytest.raises(SpecError, match="two conditions"):
        Keyframe(torch.ones(3, 8, 8), index=-5).apply_to(taken)

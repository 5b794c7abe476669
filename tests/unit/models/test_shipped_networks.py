"""The networks that come along do what they are for, on pictures that no recipe has seen."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from vidgen_models.folder_check import check_weights
from vidgen_models.frame_networks import load_interpolator, load_upscaler
from vidgen_models.networks import NetworkRegistry

MAX_BYTES = 4 << 20


def scene(side: int, shift: float = 0.0) -> np.ndarray:
    """A yellow disc with a dark ring and a white square over soft stripes, [side, side, 3]; `shift` moves both."""
    large = 4 * side
    y, x = np.mgrid[0:large, 0:large] / large
    picture = np.stack([0.35 + 0.1 * np.sin(9 * x + 5 * y), 0.45 + 0.1 * np.cos(7 * y), 0.5 + 0.2 * x], -1)
    distance = np.hypot(x - 0.4 - shift, y - 0.5)
    picture[distance < 0.22] = (0.95, 0.8, 0.2)
    picture[(distance < 0.14) & (distance > 0.1)] = (0.2, 0.1, 0.1)
    picture[(abs(x - 0.75 + shift) < 0.08) & (abs(y - 0.3) < 0.08)] = (0.95, 0.95, 0.95)
    image = Image.fromarray((picture * 255).astype(np.uint8))
    return np.asarray(image.resize((side, side), Image.Resampling.BOX))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(np.mean((a.astype(float) - b) ** 2), 1e-2)))


def test_every_shipped_file_is_the_one_its_manifest_names():
    manifests = NetworkRegistry().manifests.values()
    assert {(m.kind, m.scale) for m in manifests} == {("interpolation", 1), ("upscaling", 2), ("upscaling", 4)}
    for manifest in manifests:
        check_weights(manifest.path, manifest.sha256)
        assert manifest.path.stat().st_size < MAX_BYTES


def test_frames_between_are_nearer_to_the_truth_than_a_blend():
    """Fails when the two frames are exchanged: tried."""
    interpolator = load_interpolator(NetworkRegistry().interpolation())
    first, last = scene(128), scene(128, 0.08)
    times = [0.25, 0.5, 0.75]
    for time, drawn in zip(times, interpolator.between(first, last, times), strict=True):
        truth = scene(128, 0.08 * time)
        assert psnr(drawn, truth) > psnr(first * (1 - time) + last * time, truth) + 4


def test_nothing_moves_between_equal_frames():
    frame = scene(96)
    drawn = load_interpolator(NetworkRegistry().interpolation()).between(frame, frame, [0.5])[0]
    assert psnr(drawn, frame) > 40


def test_motion_goes_on_through_the_drawn_frames():
    """Twice and eight times as many frames move in one direction, step by step."""
    interpolator = load_interpolator(NetworkRegistry().interpolation())
    first, last = scene(128), scene(128, 0.08)
    frames = [first, *interpolator.between(first, last, [k / 8 for k in range(1, 8)]), last]
    yellow = [(f[..., 0].astype(int) - f[..., 2] > 90) for f in frames]
    places = [float(np.argwhere(mask)[:, 1].mean()) for mask in yellow]
    assert all(after > before for before, after in pairwise(places))
    assert places[-1] - places[0] == pytest.approx(0.08 * 128, abs=1)


@pytest.mark.parametrize("scale", [2, 4])
def test_enlarged_frames_are_nearer_to_the_truth_than_lanczos(scale):
    """Fails when red and blue are exchanged on the way in: tried."""
    truth = scene(64 * scale)
    small = np.asarray(Image.fromarray(truth).resize((64, 64), Image.Resampling.BICUBIC))
    drawn = load_upscaler(NetworkRegistry().upscaling(scale)).enlarge(small[None])[0]
    lanczos = np.asarray(Image.fromarray(small).resize(truth.shape[:2], Image.Resampling.LANCZOS))
    assert drawn.shape == truth.shape
    assert psnr(drawn, truth) > psnr(lanczos, truth) + 1

"""Detail fixed by the shipped network, beside the same frames left alone and sharpened."""

import numpy as np
import pytest

from tests.unit.post.scenes import disc, texture
from vidgen.media.reader import every_frame
from vidgen.media.writer import write_video
from vidgen.post.restore import Restorer
from vidgen.post.sharpen import Sharpener
from vidgen.spec.post import Sharpen
from vidgen_models.frame_networks import load_upscaler
from vidgen_models.networks import NetworkRegistry


@pytest.fixture(scope="module")
def net():
    return load_upscaler(NetworkRegistry().upscaling(2))


def result(step, frames: np.ndarray) -> np.ndarray:
    return np.concatenate(list(step.through(iter([frames]))))


def error(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.square(one.astype(float) - other).mean())


def test_compression_is_taken_back_where_sharpening_lifts_it(net, tmp_path):
    """Fails when the network's frame is reduced by picking pixels in place of areas: tried."""
    clean = texture(3)
    path = write_video([clean], tmp_path / "poor.mp4", fps=8, crf=32).path
    poor = np.stack(list(every_frame(path)))
    restored = result(Restorer(net, 1.0), poor)
    assert restored.shape == poor.shape
    assert error(restored, clean) < 0.95 * error(poor, clean)
    assert error(result(Sharpener(Sharpen()), poor), clean) > error(poor, clean)


def test_strength_leads_from_the_frame_to_what_the_network_makes_of_it(net):
    soft = disc(1)[0]
    none, half, whole = (result(Restorer(net, strength), soft) for strength in (0.0, 0.5, 1.0))
    assert np.array_equal(none, soft)
    middle = (none.astype(float) + whole) / 2
    assert np.abs(half - middle).max() <= 1

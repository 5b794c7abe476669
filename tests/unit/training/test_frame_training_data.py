"""What the interpolation and upscaling networks learn from: motion that is what it says, and damage that is damage."""

import numpy as np
import pytest
import torch
from PIL import Image

from training.degradations import made_small, through_h264
from training.film import EVERY, MARGIN, RUN, is_held_out, runs_of
from training.interpolation_data import turned
from training.moving_scenes import FLOW_CELL, Drift, Layer, Triplet, draw, flow_between, plain_ground, random_triplet
from training.ncnn import read_convolutions
from vidgen_models.nets.warping import warp

SIDE = 64


def textured(height: int, width: int, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(30, 225, (height // 8, width // 8, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


def sprite() -> np.ndarray:
    rgba = np.zeros((64, 64, 4), np.uint8)
    rgba[8:56, 8:56] = (220, 40, 40, 255)
    rgba[20:30, 20:50] = (250, 250, 250, 255)
    return rgba


@pytest.fixture
def scene() -> Triplet:
    ground = textured(160, 200, 3)
    return random_triplet([sprite()], lambda _: ground, SIDE, 0.25, np.random.default_rng(5))


def fetched(scene: Triplet, end: int) -> np.ndarray:
    """The middle frame as the scene's flow fetches it from its first (0) or last (1) frame."""
    frame = torch.from_numpy(scene.frames[2 * end].astype(np.float32)).permute(2, 0, 1)[None]
    flow = torch.from_numpy(scene.flow[2 * end : 2 * end + 2].astype(np.float32))[None]
    large = torch.nn.functional.interpolate(flow, scale_factor=FLOW_CELL)
    return warp(frame, large)[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("end", [0, 1])
def test_the_flow_of_a_scene_leads_to_both_frames(scene, end):
    """Fails when the flow leads the other way, or its x and y are exchanged: both tried."""
    middle = scene.frames[1].astype(float)
    still = np.abs(scene.frames[2 * end] - middle).mean()
    moved = np.abs(fetched(scene, end) - middle)
    assert np.median(moved) < 0.5 * still


def test_turning_a_scene_turns_its_flow_with_it(scene):
    rng = np.random.default_rng(0)
    still = np.abs(scene.frames[0].astype(float) - scene.frames[1]).mean()
    for _ in range(12):
        other = turned(scene, rng)
        assert other.time in (0.25, 0.75)
        near = 0 if other.time == 0.25 else 1
        assert np.median(np.abs(fetched(other, near) - other.frames[1])) < 0.5 * still


def test_a_layer_moves_evenly():
    drift = Drift(np.array([20.0, 30.0]), 0.0, 0.0, np.array([8.0, -4.0]), 0.0, 0.0)
    layers = [Layer(plain_ground(np.random.default_rng(0)), Drift(np.full(2, 31.5), 0, 0, np.zeros(2), 0, 0))]
    layers.append(Layer(sprite(), drift))
    _, top = draw(layers, 0.25, SIDE)
    flow = flow_between(layers, top, 0.25, 1.0)
    inside = top[FLOW_CELL // 2 :: FLOW_CELL, FLOW_CELL // 2 :: FLOW_CELL] == 1
    assert inside.any()
    assert np.allclose(flow[:, inside].T, (6.0, -3.0), atol=1e-4)
    assert np.allclose(flow[:, ~inside], 0, atol=1e-4)


def test_runs_never_cross_a_cut():
    shots = [textured(72, 128, 1) // 2, 128 + textured(72, 128, 2) // 2]
    length = EVERY + RUN + 2 * MARGIN + 1
    film = [np.roll(shots[n // length], n, axis=1) for n in range(2 * length)]
    found = list(runs_of(iter(film)))
    assert {shot for shot, _ in found} == {0, 1}
    for shot, run in found:
        assert run.shape == (RUN, 72, 128, 3)
        assert all((frame.mean() > 100) == (shot == 1) for frame in run)


def test_some_shots_are_held_out_and_most_are_not():
    held = is_held_out(np.arange(128))
    assert 0.1 < held.mean() < 0.25


def test_h264_damages_more_at_a_higher_rate_factor():
    clip = np.stack([textured(64, 64, 7)] * 3)

    def error(crf: int) -> float:
        return float(np.abs(through_h264(clip, crf).astype(float) - clip).mean())

    assert through_h264(clip, 20).shape == clip.shape
    assert error(16) < error(24) < error(34)


def test_pictures_are_made_small_without_aliasing():
    stripes = np.zeros((1, 32, 32, 3), np.uint8)
    stripes[:, :, ::2] = 200
    small = made_small(stripes, 2)
    assert small.shape == (1, 16, 16, 3)
    assert np.ptp(small[:, 4:-4, 4:-4].astype(int)) <= 2


def test_weights_of_ncnn_are_read_in_their_order(tmp_path):
    """Two convolutions, the first in 16-bit floats padded to four bytes, the second in 32-bit ones."""
    first = np.arange(27, dtype="<f2").reshape(1, 3, 3, 3)
    second = np.arange(9, 18, dtype="<f4").reshape(1, 1, 3, 3)
    (tmp_path / "net.param").write_text(
        "7767517\n4 4\nInput input 0 1 data\n"
        "Convolution /a/first/Conv 1 1 data x 0=1 1=3 4=1 5=1 6=27\n"
        "Swish act 1 1 x y\n"
        "Convolution /b/second/Conv 1 1 y z 0=1 1=3 4=1 5=1 6=9\n"
    )
    half = (0x01306B47).to_bytes(4, "little") + first.tobytes() + b"\0\0"
    whole = bytes(4) + second.tobytes()
    bias = [np.array([value], "<f4").tobytes() for value in (0.5, -2.0)]
    (tmp_path / "net.bin").write_bytes(half + bias[0] + whole + bias[1])
    read = read_convolutions(tmp_path / "net.param", tmp_path / "net.bin")
    assert torch.equal(read["a.first.weight"], torch.from_numpy(first.astype(np.float32)))
    assert torch.equal(read["b.second.weight"], torch.from_numpy(second))
    assert (read["a.first.bias"].item(), read["b.second.bias"].item()) == (0.5, -2.0)
    (tmp_path / "net.bin").write_bytes(half + bias[0] + whole + bias[1] + bytes(4))
    with pytest.raises(ValueError, match="left over"):
        read_convolutions(tmp_path / "net.param", tmp_path / "net.bin")

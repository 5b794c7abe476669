"""Interpolation and upscaling behind 8-bit frames: geometry, tiles, and whose weights a file holds."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from vidgen.errors import ModelError
from vidgen_models.folder_check import sha256
from vidgen_models.frame_networks import interpolator_from, upscaler_from
from vidgen_models.nets.esrgan import EsrganNet
from vidgen_models.nets.interpolation import InterpolationNet, InterpolationParams
from vidgen_models.nets.rife import RifeNet
from vidgen_models.nets.span import BLOCKS, SpanNet, span_from
from vidgen_models.nets.srvgg import SrvggNet
from vidgen_models.nets.upscaling import UpscalingNet, UpscalingParams, upscale_tiled

SMALL = InterpolationParams(coarse=8, fine=8, blocks=1)


def saved(net: nn.Module, folder: Path, prefix: str = "") -> Path:
    file = folder / "weights.safetensors"
    save_file({prefix + name: value.contiguous() for name, value in net.state_dict().items()}, file)
    return file


def textured(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A smooth colourful picture, uint8 [height, width, 3]."""
    noise = np.random.default_rng(seed).integers(30, 225, (height // 8 + 1, width // 8 + 1, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(np.mean((a.astype(float) - b) ** 2), 1e-2)))


def randomised(net: nn.Module) -> nn.Module:
    """Weights that do something everywhere; a new network's last layers do nothing."""
    with torch.no_grad():
        for value in net.parameters():
            value.copy_(0.1 * torch.randn(value.shape, generator=torch.Generator().manual_seed(value.numel())))
    return net


def test_motion_is_followed_before_anything_was_learnt(tmp_path):
    """Fails when the flows are given to the network with the wrong sign: tried."""
    world = textured(96, 160)
    frames = [world[:, shift : shift + 96] for shift in (0, 3, 6, 9, 12)]
    file = saved(InterpolationNet(SMALL), tmp_path)
    drawn = interpolator_from(file).between(frames[0], frames[4], [0.25, 0.5, 0.75])
    blend = [frames[0] * (1 - t) + frames[4] * t for t in (0.25, 0.5, 0.75)]
    for guess, plain, truth in zip(drawn, blend, frames[1:4], strict=True):
        inside = (slice(16, 80), slice(16, 80))
        assert psnr(guess[inside], truth[inside]) > psnr(plain[inside], truth[inside]) + 6


@pytest.mark.parametrize(("height", "width"), [(64, 64), (50, 70), (33, 41), (20, 20)])
def test_frames_of_any_size_keep_it(tmp_path, height, width):
    interpolator = interpolator_from(saved(randomised(InterpolationNet(SMALL)), tmp_path))
    before, after = textured(height, width, 1), textured(height, width, 2)
    drawn = interpolator.between(before, after, [0.5, 0.9])
    assert drawn.shape == (2, height, width, 3)
    assert drawn.dtype == np.uint8
    assert interpolator.between(before, after, []).shape == (0, height, width, 3)


def test_times_between_one_pair_do_not_disturb_each_other(tmp_path):
    interpolator = interpolator_from(saved(randomised(InterpolationNet(SMALL)), tmp_path))
    before, after = textured(64, 64, 1), textured(64, 64, 2)
    together = interpolator.between(before, after, [0.25, 0.5])
    alone = [interpolator.between(before, after, [time])[0] for time in (0.25, 0.5)]
    assert np.array_equal(together, np.stack(alone))
    assert np.abs(together[0].astype(int) - together[1]).mean() > 1


def test_rife_weights_are_known_by_their_keys_whatever_a_trainer_wrote_before_them(tmp_path):
    net = RifeNet((32, 16, 16))
    file = saved(net, tmp_path, prefix="module.")
    before, after = textured(70, 50, 1), textured(70, 50, 2)
    drawn = interpolator_from(file).between(before, after, [0.5])[0]
    pictures = [torch.from_numpy(f.copy()).permute(2, 0, 1)[None].float() / 255 for f in (before, after)]
    with torch.inference_mode():
        expected = net(*pictures, torch.tensor([0.5])).frame[0].permute(1, 2, 0) * 255
    assert np.abs(drawn - expected.numpy()).max() <= 0.51


ENLARGING = {
    "ours": lambda: UpscalingNet(UpscalingParams(2, 8, 2)),
    "ours x4": lambda: UpscalingNet(UpscalingParams(4, 8, 1)),
    "srvgg": lambda: SrvggNet(8, 3, 4),
    "esrgan": lambda: EsrganNet(8, 4, 1, 1),
    "esrgan x2": lambda: EsrganNet(8, 4, 1, 2),
}


@pytest.mark.parametrize("kind", ENLARGING)
def test_upscaling_weights_are_known_by_their_keys(tmp_path, kind):
    net = randomised(ENLARGING[kind]())
    upscaler = upscaler_from(saved(net, tmp_path, prefix="params_ema."))
    assert type(upscaler.net) is type(net)
    frames = np.stack([textured(21, 34, seed) for seed in (1, 2)])
    large = upscaler.enlarge(frames)
    assert large.shape == (2, 21 * upscaler.scale, 34 * upscaler.scale, 3)
    alone = upscaler.enlarge(frames[1:])
    assert np.array_equal(large[1:], alone)


def trained_span(channels: int = 8) -> dict[str, Tensor]:
    """Weights as SPAN is trained: every convolution is a 1x1, a 3x3, a 1x1 and a bypass."""
    draw = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        return 0.2 * torch.randn(shape, generator=draw)

    state = {}
    inputs = {"conv_1": 3, "conv_2": channels}
    inputs |= {f"block_{b}.c{c}_r": channels for b in range(1, BLOCKS + 1) for c in (1, 2, 3)}
    for name, i in inputs.items():
        parts = {"conv.0": (2 * i, i, 1, 1), "conv.1": (2 * channels, 2 * i, 3, 3)}
        parts |= {"conv.2": (channels, 2 * channels, 1, 1), "sk": (channels, i, 1, 1)}
        for part, shape in parts.items():
            state |= {f"{name}.{part}.weight": random(*shape), f"{name}.{part}.bias": random(shape[0])}
    state |= {"conv_cat.weight": random(channels, 4 * channels, 1, 1), "conv_cat.bias": random(channels)}
    return state | {"upsampler.0.weight": random(12, channels, 3, 3), "upsampler.0.bias": random(12)}


def test_the_convolutions_of_span_are_folded_into_one(tmp_path):
    """Fails when the bypass or an inner bias is forgotten: both tried."""
    state = trained_span()
    x = torch.randn(1, 3, 12, 12)
    with torch.inference_mode():
        steps = x
        for part in ("conv.0", "conv.1", "conv.2"):
            steps = nn.functional.conv2d(steps, state[f"conv_1.{part}.weight"], state[f"conv_1.{part}.bias"])
        bypass = nn.functional.conv2d(x[..., 1:-1, 1:-1], state["conv_1.sk.weight"], state["conv_1.sk.bias"])
        folded = span_from(state).conv_1(x)[..., 1:-1, 1:-1]
    assert torch.allclose(folded, steps + bypass, atol=1e-5)
    file = tmp_path / "span.safetensors"
    save_file(state, file)
    assert isinstance(upscaler_from(file).net, SpanNet)


def test_an_untrained_network_enlarges_as_lanczos_does():
    net = UpscalingNet(UpscalingParams(2, 8, 1))
    nn.init.zeros_(net.proj_out.weight)
    small = textured(24, 32)
    with torch.inference_mode():
        large = net(torch.from_numpy(small.copy()).permute(2, 0, 1)[None].float() / 255)
    expected = np.asarray(Image.fromarray(small).resize((64, 48), Image.Resampling.LANCZOS)).astype(float)
    assert np.abs(large[0].permute(1, 2, 0).numpy() * 255 - expected).max() < 2


@pytest.mark.parametrize("kind", [k for k in ENLARGING if k.startswith("ours") or k == "srvgg"])
def test_tiles_leave_no_trace(kind):
    """Fails when tiles are seen with two pixels less around them than the network looks: tried."""
    net = randomised(ENLARGING[kind]()).eval()
    picture = torch.from_numpy(textured(61, 83).copy()).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        whole = net(picture)
        tiled = upscale_tiled(net, picture, net.scale, net.reach, tile=24)
    assert torch.allclose(whole, tiled, atol=1e-5)
    assert whole.std() > 0.01


def test_memory_is_that_of_a_tile():
    """The network never sees more than a tile and its surroundings."""
    seen = []

    class Watched(UpscalingNet):
        def forward(self, small: Tensor) -> Tensor:
            seen.append(small.shape[-2:])
            return super().forward(small)

    net = Watched(UpscalingParams(2, 8, 1))
    with torch.inference_mode():
        upscale_tiled(net, torch.zeros(1, 3, 100, 70), 2, net.reach, tile=32)
    assert len(seen) == 12
    assert all(side <= 32 + 2 * net.reach for shape in seen for side in shape)


@pytest.mark.parametrize("load", [interpolator_from, upscaler_from])
def test_strange_weights_are_refused(tmp_path, load):
    unknown = tmp_path / "unknown.safetensors"
    save_file({"a.weight": torch.zeros(2)}, unknown)
    with pytest.raises(ModelError, match="by its keys"):
        load(unknown)
    pickled = tmp_path / "flownet.pkl"
    torch.save({}, pickled)
    with pytest.raises(ModelError, match="convert the weights to safetensors") as caught:
        load(pickled)
    assert caught.value.code == "unsafe_model"
    with pytest.raises(ModelError, match="no such file"):
        load(tmp_path / "missing.safetensors")


def test_weights_with_a_part_missing_or_changed_are_refused(tmp_path):
    state = InterpolationNet(SMALL).state_dict()
    del state["give.bias"]
    file = tmp_path / "part.safetensors"
    save_file(state, file)
    with pytest.raises(ModelError, match="not the weights of InterpolationNet"):
        interpolator_from(file)
    whole = saved(InterpolationNet(SMALL), tmp_path)
    expected = sha256(whole)
    assert interpolator_from(whole, expected)
    data = bytearray(whole.read_bytes())
    data[-1] ^= 1
    whole.write_bytes(bytes(data))
    with pytest.raises(ModelError, match="sha256 differs"):
        interpolator_from(whole, expected)


def test_steps_between_two_frames_are_even(tmp_path):
    """A bar that moves evenly moves evenly through the drawn frames too."""
    frames = [np.full((64, 96, 3), 60, np.uint8) for _ in range(2)]
    ground = textured(64, 96, 5) // 4
    for frame, left in zip(frames, (24, 40), strict=True):
        frame[:] = ground
        frame[16:48, left : left + 20] = textured(32, 20, 6)
    drawn = interpolator_from(saved(InterpolationNet(SMALL), tmp_path)).between(*frames, [0.25, 0.5, 0.75])
    light = [np.clip(f.astype(float).mean(-1)[16:48] - 70, 0, None).sum(0) for f in (frames[0], *drawn, frames[1])]
    places = [float((row * np.arange(96)).sum() / row.sum()) for row in light]
    assert all(2 < after - before < 6 for before, after in pairwise(places))

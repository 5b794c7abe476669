"""RIFE 4.22 to 4.26, so that weights which users bring can be loaded by their keys.

Real-time intermediate flow estimation (Huang et al., ECCV 2022) in the form of the "4.25" weights: blocks from coarse
to fine, each refining flows and mask on frames that were shrunk by its scale, and a small head whose features travel
along. Widths and the number of blocks are read off the weights. What such files hold for training alone (teacher,
caltime) is unused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidgen.errors import ModelError
from vidgen_models.nets.interpolation import Interpolated
from vidgen_models.nets.warping import warp

TRAINING_ONLY = ("teacher.", "caltime.")
FEATURES = 8  # that one block hands to the next
DEPTH = 8


class RifeNet(nn.Module):
    """`net(before, after, time)` as InterpolationNet: frames [b, 3, h, w] in 0..1, `time` [b]."""

    def __init__(self, widths: tuple[int, ...], head: int = 4, head_width: int = 16) -> None:
        super().__init__()
        self.count = len(widths)
        self.encode = _Head(head, head_width)
        for number, width in enumerate(widths):
            inputs = 7 + 2 * head if number == 0 else 7 + 2 * head + 1 + FEATURES + 4
            self.add_module(f"block{number}", _Block(inputs, width))

    def forward(self, before: Tensor, after: Tensor, time: Tensor) -> Interpolated:
        height, width = before.shape[-2:]
        multiple = 4 * 2 ** (self.count - 1)
        pad = (0, -width % multiple, 0, -height % multiple)
        first, second = F.pad(before, pad), F.pad(after, pad)
        heads = self.encode(first), self.encode(second)
        plane = time.view(-1, 1, 1, 1).to(first.dtype).expand(-1, 1, *first.shape[-2:])
        flow, mask, features = self._block(0)(torch.cat((first, second, *heads, plane), 1), None, self._scale(0))
        for number in range(1, self.count):
            moved = [
                warp(x, f) for x, f in zip((first, second, *heads), (*flow.chunk(2, 1), *flow.chunk(2, 1)), strict=True)
            ]
            step, mask, features = self._block(number)(
                torch.cat((*moved, plane, mask, features), 1), flow, self._scale(number)
            )
            flow = flow + step
        weight = torch.sigmoid(mask)
        frame = weight * warp(first, flow[:, :2]) + (1 - weight) * warp(second, flow[:, 2:])
        cut = (..., slice(height), slice(width))
        return Interpolated(frame[cut], flow[cut])

    def draw(self, before: Tensor, after: Tensor, times: Sequence[float]) -> Tensor:
        """The frames at `times` between one pair [1, 3, h, w]: [len(times), 3, h, w]."""
        at = [torch.tensor([time], device=before.device) for time in times]
        return torch.cat([self(before, after, time).frame for time in at])

    def _block(self, number: int) -> _Block:
        block = self.get_submodule(f"block{number}")
        assert isinstance(block, _Block)
        return block

    def _scale(self, number: int) -> int:
        """How much smaller the block of that number sees the frames: 16, 8, 4, 2, 1 for five blocks."""
        return int(2 ** (self.count - 1 - number))


class _Head(nn.Module):
    """Features at full size by way of half size."""

    def __init__(self, outputs: int, width: int) -> None:
        super().__init__()
        self.cnn0 = nn.Conv2d(3, width, 3, 2, 1)
        self.cnn1 = nn.Conv2d(width, width, 3, 1, 1)
        self.cnn2 = nn.Conv2d(width, width, 3, 1, 1)
        self.cnn3 = nn.ConvTranspose2d(width, outputs, 4, 2, 1)

    def forward(self, picture: Tensor) -> Tensor:
        x = picture
        for layer in (self.cnn0, self.cnn1, self.cnn2):
            x = F.leaky_relu(layer(x), 0.2)
        result: Tensor = self.cnn3(x)
        return result


class _Block(nn.Module):
    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.conv0 = nn.Sequential(_layer(inputs, width // 2), _layer(width // 2, width))
        self.convblock = nn.Sequential(*(_Residual(width) for _ in range(DEPTH)))
        self.lastconv = nn.Sequential(nn.ConvTranspose2d(width, 4 * (5 + FEATURES), 4, 2, 1), nn.PixelShuffle(2))

    def forward(self, x: Tensor, flow: Tensor | None, scale: int) -> tuple[Tensor, Tensor, Tensor]:
        """Flow (in pixels of the full size), mask and features, all at full size."""
        if flow is not None:
            x = torch.cat((x, flow / scale), 1)
        seen = _resized(x, 1 / scale)
        result = _resized(self.lastconv(self.convblock(self.conv0(seen))), scale)
        return result[:, :4] * scale, result[:, 4:5], result[:, 5:]


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, 1, 1)
        self.beta = nn.Parameter(torch.ones(1, width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x + self.beta * self.conv(x), 0.2)


def _layer(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, 2, 1), nn.LeakyReLU(0.2))


def _resized(x: Tensor, factor: float) -> Tensor:
    return x if factor == 1 else F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def is_rife(state: Mapping[str, Tensor]) -> bool:
    """Whether the keys are those of RIFE 4.22 to 4.26 (after `without_prefix`)."""
    return "encode.cnn3.weight" in state and "block0.lastconv.0.weight" in state


def rife_from(state: Mapping[str, Tensor]) -> RifeNet:
    """The network of a state dict. Raises ModelError when a weight is missing or of another shape."""
    kept = {k: v.float() for k, v in state.items() if not k.startswith(TRAINING_ONLY)}
    count = 1 + max(int(k[5 : k.index(".")]) for k in kept if k.startswith("block"))
    widths = tuple(int(kept[f"block{n}.conv0.1.0.weight"].shape[0]) for n in range(count))
    head_width, head = kept["encode.cnn3.weight"].shape[:2]
    net = RifeNet(widths, int(head), int(head_width))
    try:
        net.load_state_dict(kept)
    except RuntimeError as error:
        raise ModelError(f"not the weights of RIFE 4.22 to 4.26: {str(error).splitlines()[-1].strip()}") from error
    return net.eval().requires_grad_(False)

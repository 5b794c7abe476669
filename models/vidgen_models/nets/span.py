"""SPAN, so that weights which users bring can be loaded by their keys, and to be measured against.

Swift parameter-free attention network (Wan et al., 2024): six blocks of three convolutions, the result multiplied by
an attention that has no weights of its own, the sigmoid of that result minus a half. In training every convolution
is three of them and a bypass; here they are folded into one.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidgen.errors import ModelError

MEAN = (0.4488, 0.4371, 0.4040)  # of the pictures that SPAN was trained on, red, green, blue
RANGE = 255.0
BLOCKS = 6


class SpanNet(nn.Module):
    """[b, 3, h, w] in 0..1 to [b, 3, scale·h, scale·w]."""

    def __init__(self, channels: int = 48, scale: int = 2, *, normalised: bool = True) -> None:
        super().__init__()
        self.scale, self.normalised = scale, normalised
        self.conv_1 = nn.Conv2d(3, channels, 3, padding=1)
        for number in range(1, BLOCKS + 1):
            self.add_module(f"block_{number}", _Attended(channels))
        self.conv_2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv_cat = nn.Conv2d(4 * channels, channels, 1)
        self.upsampler = nn.Sequential(nn.Conv2d(channels, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    @property
    def reach(self) -> int:
        return 3 * BLOCKS + 3

    def forward(self, small: Tensor) -> Tensor:
        mean = torch.tensor(MEAN, dtype=small.dtype, device=small.device).view(1, 3, 1, 1)
        first = self.conv_1((small - mean) * RANGE if self.normalised else small)
        x, outer, inner = first, first, first
        for number in range(1, BLOCKS + 1):
            x, inner = self.get_submodule(f"block_{number}")(x)
            outer = x if number == 1 else outer
        result: Tensor = self.upsampler(self.conv_cat(torch.cat((first, self.conv_2(x), outer, inner), 1)))
        return result


class _Attended(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.c1_r = nn.Conv2d(channels, channels, 3, padding=1)
        self.c2_r = nn.Conv2d(channels, channels, 3, padding=1)
        self.c3_r = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The block's result, and the first of its inner layers."""
        inner = F.silu(self.c1_r(x))
        seen = self.c3_r(F.silu(self.c2_r(inner)))
        return (seen + x) * (torch.sigmoid(seen) - 0.5), inner


def is_span(state: Mapping[str, Tensor]) -> bool:
    return "block_1.c1_r.sk.weight" in state or "block_1.c1_r.eval_conv.weight" in state


def span_from(state: Mapping[str, Tensor]) -> SpanNet:
    """The network of a state dict. Raises ModelError when a weight is missing or of another shape."""
    try:
        upsampler = state["upsampler.0.weight"]
        net = SpanNet(
            int(upsampler.shape[1]), round((upsampler.shape[0] / 3) ** 0.5), normalised="no_norm" not in state
        )
        names = ["conv_1", "conv_2", *(f"block_{b}.c{c}_r" for b in range(1, BLOCKS + 1) for c in (1, 2, 3))]
        folded = {name: _folded(state, name) for name in names}
        weights = {f"{name}.{part}": value for name, pair in folded.items() for part, value in pair.items()}
        plain = {k: v.float() for k, v in state.items() if k.startswith(("conv_cat.", "upsampler."))}
        net.load_state_dict({**weights, **plain})
    except (KeyError, RuntimeError) as error:
        raise ModelError(f"not the weights of SPAN: {str(error).splitlines()[-1].strip()}") from error
    return net.eval().requires_grad_(False)


def _folded(state: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """One convolution out of 1x1, 3x3, 1x1 and a 1x1 bypass; or the one that the file already holds."""
    if f"{name}.sk.weight" not in state:
        return {part: state[f"{name}.eval_conv.{part}"].float() for part in ("weight", "bias")}
    first, middle, last, bypass = (
        (state[f"{name}.{part}.weight"].float(), state[f"{name}.{part}.bias"].float())
        for part in ("conv.0", "conv.1", "conv.2", "sk")
    )
    narrow, wide = last[0][:, :, 0, 0], first[0][:, :, 0, 0]
    weight = torch.einsum("oa,abyx,bi->oiyx", narrow, middle[0], wide)
    bias = narrow @ (middle[0].sum((2, 3)) @ first[1] + middle[1]) + last[1]
    weight[:, :, 1, 1] += bypass[0][:, :, 0, 0]
    return {"weight": weight, "bias": bias + bypass[1]}

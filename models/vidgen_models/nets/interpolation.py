"""The network that draws the frame between two frames, at any time between them.

Intermediate flows refined coarse to fine and a blend of what they fetch, after RIFE (Huang et al., 2022). It does not
search for motion itself: two flows of a method without weights (dense_flow.py) lead the way. Each of the two is a guess
of the motion at the wanted time, and each guess fetches one picture from either frame; with the plain blend these are
five candidates. At quarter size the guesses are refined, at half size every pixel's candidates are weighed, and a small
correction is added.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidgen.errors import ModelError
from vidgen_models.nets.dense_flow import dense_flow
from vidgen_models.nets.warping import warp

MULTIPLE = 8  # sides are padded to it
CANDIDATES = 5
FLOW_SCALE = 0.1  # pixels to the order of one
SETTLING = 3  # fixed-point steps that carry a flow from its own frame to the wanted time


@dataclass(frozen=True, slots=True)
class InterpolationParams:
    """Channels at a quarter of the size and at half of it, and residual blocks at a quarter and an eighth."""

    coarse: int = 48
    fine: int = 28
    blocks: int = 2


@dataclass(frozen=True, slots=True, eq=False)
class Interpolated:
    """`frame` [b, 3, h, w] in 0..1; `flow` [b, 4, h, w] in pixels, to the first frame (x, y) and to the second."""

    frame: Tensor
    flow: Tensor


class InterpolationNet(nn.Module):
    """`net(before, after, time)` is the frame at `time` between two frames."""

    def __init__(self, params: InterpolationParams | None = None) -> None:
        super().__init__()
        self.params = params or InterpolationParams()
        coarse, fine, blocks = self.params.coarse, self.params.fine, self.params.blocks
        self.take = _layer(4 * 3 * CANDIDATES + 4 + 2, coarse)
        self.near = nn.Sequential(*(_Residual(coarse) for _ in range(blocks)))
        self.far = nn.Sequential(_layer(coarse, coarse, stride=2), *(_Residual(coarse) for _ in range(blocks)))
        self.merge = _layer(2 * coarse, coarse)
        self.proj_out_flow = _quiet(nn.Conv2d(coarse, 8, 3, padding=1))
        self.give = nn.Conv2d(coarse, 4 * fine, 1)
        self.weigh = _layer(4 * 3 * CANDIDATES + fine, fine)
        self.think = nn.Sequential(*(_Residual(fine) for _ in range(2)))
        self.proj_out = _quiet(nn.Conv2d(fine, 4 * (CANDIDATES + 3), 3, padding=1))

    def forward(self, before: Tensor, after: Tensor, time: Tensor, flows: Tensor | None = None) -> Interpolated:
        """Frames [b, 3, h, w] in 0..1 with sides of any length, `time` [b] in 0..1.

        `flows` [b, 4, h, w] is what `dense_flow` gives for the two frames; it is found here when it is not given.
        """
        height, width = before.shape[-2:]
        found = dense_flow(before, after) if flows is None else flows
        first, second, found = _padded(before), _padded(after), _padded(found)
        at = time.float().view(-1, 1, 1, 1)
        guesses, doubt = _guesses(F.avg_pool2d(found, 2) / 2, at)
        guesses, hidden = self._refine(first, second, guesses, doubt, at)
        candidates = _candidates(first, second, _enlarged(guesses, 2), at)
        x = self.weigh(torch.cat((F.pixel_unshuffle(candidates.flatten(1, 2) - 0.5, 2), hidden), 1))
        result = F.pixel_shuffle(self.proj_out(self.think(x)).float(), 2)
        logits, correction = result[:, :CANDIDATES], result[:, CANDIDATES:]
        weights = torch.softmax(logits + _prior(at), dim=1)
        frame = (candidates * weights.unsqueeze(2)).sum(1) + correction
        flow = 0.5 * _enlarged(guesses[:, :4] + guesses[:, 4:], 2)
        cut = (..., slice(height), slice(width))
        return Interpolated(frame[cut], flow[cut])

    def draw(self, before: Tensor, after: Tensor, times: Sequence[float]) -> Tensor:
        """The frames at `times` between one pair [1, 3, h, w], whose motion is sought once: [len(times), 3, h, w]."""
        flows = dense_flow(before, after)
        at = [torch.tensor([time], device=before.device) for time in times]
        return torch.cat([self(before, after, time, flows).frame for time in at])

    def _refine(
        self, first: Tensor, second: Tensor, guesses: Tensor, doubt: Tensor, at: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Better guesses [b, 8, h/2, w/2], and what was seen on the way, for the weighing at half size."""
        small = [F.avg_pool2d(picture, 2) for picture in (first, second)]
        candidates = _candidates(small[0], small[1], guesses, at)
        plane = at.expand(-1, 1, *(side // 2 for side in doubt.shape[-2:]))
        seen = F.pixel_unshuffle(candidates.flatten(1, 2) - 0.5, 2)
        motion = F.avg_pool2d(torch.cat((guesses[:, 2:4] - guesses[:, :2], guesses[:, 6:] - guesses[:, 4:6]), 1), 2)
        x = self.take(torch.cat((seen, motion * FLOW_SCALE, F.avg_pool2d(doubt, 2) * FLOW_SCALE, plane), 1))
        context = F.interpolate(self.far(x), scale_factor=2.0, mode="nearest")
        x = self.merge(torch.cat((self.near(x), context), 1))
        step = F.interpolate(self.proj_out_flow(x).float(), scale_factor=2.0, mode="bilinear", align_corners=False)
        return guesses + step, F.pixel_shuffle(self.give(x), 2)


def _guesses(found: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
    """[b, 8, h, w]: to the first and to the second frame by the forward flow, and again by the backward one; and how
    far the two disagree [b, 1, h, w], in pixels."""
    forward, backward = found.chunk(2, 1)
    ahead, back = forward, backward
    for _ in range(SETTLING):
        ahead, back = warp(forward, -at * ahead), warp(backward, -(1 - at) * back)
    doubt = (ahead + back).abs().sum(1, keepdim=True)
    return torch.cat((-at * ahead, (1 - at) * ahead, at * back, -(1 - at) * back), 1), doubt


def _candidates(first: Tensor, second: Tensor, guesses: Tensor, at: Tensor) -> Tensor:
    """[b, CANDIDATES, 3, h, w]: what each guess fetches from either frame, and the plain blend."""
    to_first, to_second, also_first, also_second = guesses.chunk(4, 1)
    fetched = (warp(first, to_first), warp(second, to_second), warp(first, also_first), warp(second, also_second))
    return torch.stack((*fetched, (1 - at) * first + at * second), 1)


def _prior(at: Tensor) -> Tensor:
    """Logits of the candidates before anything is seen: the nearer frame counts more, the plain blend little."""
    near, far = torch.log(1 - at + 0.02), torch.log(at + 0.02)
    return torch.cat((near, far, near, far, torch.full_like(near, -2.0)), 1)


def _enlarged(flow: Tensor, factor: int) -> Tensor:
    return factor * F.interpolate(flow, scale_factor=float(factor), mode="bilinear", align_corners=False)


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.act = nn.LeakyReLU(0.1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.act(self.conv(x))
        return result


def _layer(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.LeakyReLU(0.1))


def _quiet(conv: nn.Conv2d) -> nn.Conv2d:
    """Begins near nothing, so that training begins with the candidates as they are."""
    nn.init.normal_(conv.weight, std=1e-3)
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv


def _padded(picture: Tensor) -> Tensor:
    height, width = picture.shape[-2:]
    return F.pad(picture, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="replicate")


def is_interpolation(state: Mapping[str, Tensor]) -> bool:
    return "proj_out_flow.weight" in state and "weigh.0.weight" in state


def interpolation_from(state: Mapping[str, Tensor]) -> InterpolationNet:
    """The network of a state dict. Raises ModelError when a weight is missing or of another shape."""
    coarse, fine = (int(state[name].shape[0]) for name in ("take.0.weight", "weigh.0.weight"))
    blocks = sum(name.startswith("near.") and name.endswith(".weight") for name in state)
    net = InterpolationNet(InterpolationParams(coarse, fine, blocks))
    try:
        net.load_state_dict({name: value.float() for name, value in state.items()})
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise ModelError(f"not the weights of InterpolationNet: {reason}") from error
    return net.eval().requires_grad_(False)

"""Keeps the causal 3D convolutions of the Wan autoencoder off torch's slow path on CPUs.

torch sends a 3D convolution with batch 1 and `C·T·H ≤ 20480` to `slow_conv3d`; the streaming autoencoder makes nothing
but such calls. Calling oneDNN directly with channels-last memory gives the same numbers (largest difference seen
3e-6) several times faster. This module knows nothing of videos, only of convolutions.
"""

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import WanCausalConv3d
from torch import Tensor, nn


class OneDnnCausalConv3d(WanCausalConv3d):  # type: ignore[misc]  # diffusers is untyped
    """A `WanCausalConv3d` whose float32 CPU inference always runs in oneDNN; elsewhere it is its parent."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if input.device.type != "cpu" or input.dtype != torch.float32 or torch.is_grad_enabled():
            result: Tensor = super()._conv_forward(input, weight, bias)
        else:
            result = torch.mkldnn_convolution(
                input.contiguous(memory_format=torch.channels_last_3d),
                weight.contiguous(memory_format=torch.channels_last_3d),
                bias,
                padding=self.padding,
                stride=self.stride,
                dilation=self.dilation,
                groups=self.groups,
            )
        return result


def use_onednn_convolutions(network: nn.Module) -> int:
    """Change every `WanCausalConv3d` of `network` in place (weights stay); returns how many were changed."""
    convolutions = [module for module in network.modules() if type(module) is WanCausalConv3d]
    for module in convolutions:
        module.__class__ = OneDnnCausalConv3d
    return len(convolutions)

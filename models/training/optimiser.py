"""Muon for matrices and kernels, AdamW for the rest, behind one optimiser with one state to save.

Muon (Keller Jordan, 2024): momentum, then the nearest orthogonal matrix by a Newton-Schulz iteration, so that every
direction of a weight learns at the same speed. A kernel counts as a matrix of outputs by everything else.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """Approximately U Vᵀ of the singular value decomposition of `matrix` (quintic Newton-Schulz)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = (matrix.T if matrix.shape[0] > matrix.shape[1] else matrix).bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if matrix.shape[0] > matrix.shape[1] else x).to(matrix.dtype)


class MuonWithAdamW(torch.optim.Optimizer):
    """`matrices` step by Muon with `lr`; `others` by AdamW with `lr * other_ratio`."""

    def __init__(
        self,
        matrices: Iterable[Tensor],
        others: Iterable[Tensor],
        lr: float,
        other_ratio: float = 0.1,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.98),
        weight_decay: float = 0.0,
    ) -> None:
        groups = [
            {"params": list(matrices), "kind": "muon", "ratio": 1.0},
            {"params": list(others), "kind": "adamw", "ratio": other_ratio},
        ]
        super().__init__(groups, {"lr": lr, "momentum": momentum, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        for group in self.param_groups:
            update = self._muon if group["kind"] == "muon" else self._adamw
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * group["ratio"] * group["weight_decay"])
                    update(parameter, group)

    def _muon(self, parameter: Tensor, group: dict[str, float]) -> None:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum = state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
        direction = orthogonalise(parameter.grad.lerp(momentum, group["momentum"]).flatten(1))
        size = max(1.0, direction.shape[0] / direction.shape[1]) ** 0.5
        parameter.add_(direction.view(parameter.shape), alpha=-group["lr"] * size)

    def _adamw(self, parameter: Tensor, group: dict[str, float]) -> None:
        state = self.state[parameter]
        if not state:
            state["step"], state["mean"], state["square"] = (
                torch.zeros(()),
                torch.zeros_like(parameter),
                torch.zeros_like(parameter),
            )
        state["step"] += 1
        step, (beta1, beta2) = float(state["step"]), group["betas"]
        state["mean"].lerp_(parameter.grad, 1 - beta1)
        state["square"].lerp_(parameter.grad.square(), 1 - beta2)
        scale = (state["square"] / (1 - beta2**step)).sqrt_().add_(1e-8)
        parameter.addcdiv_(state["mean"], scale, value=-group["lr"] * group["ratio"] / (1 - beta1**step))


def for_module(module: torch.nn.Module, lr: float, other_ratio: float) -> MuonWithAdamW:
    """Muon for every weight of two or more dimensions except tables, embeddings and the outermost layers; AdamW for
    the rest."""
    outer = ("embed", "table", "shared", "proj_out.weight", "conv_in", "decoder.conv_out", "relative_attention")
    named = [(n, p) for n, p in module.named_parameters() if p.requires_grad]
    matrices = [
        p for n, p in named if p.dim() >= 2 and min(p.shape[0], p[0].numel()) > 1 and not any(o in n for o in outer)
    ]
    chosen = {id(p) for p in matrices}
    return MuonWithAdamW(matrices, [p for _, p in named if id(p) not in chosen], lr, other_ratio)

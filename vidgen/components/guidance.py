"""Classifier-free guidance (Ho & Salimans 2022, arXiv:2207.12598)."""

from torch import Tensor


def classifier_free_guidance(conditional: Tensor, unconditional: Tensor, scale: float) -> Tensor:
    """`u + w·(c - u)`; scale 1 is the conditional prediction alone."""
    return unconditional + scale * (conditional - unconditional)

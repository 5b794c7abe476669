"""Reads the weights of an ncnn model: a text that lists the layers and a file of numbers in their order.

Knows the two ways in which convolutions keep their weights (16- and 32-bit floats); does not run anything.
Format: ncnn's documentation, "param and model file structure" and "operators".
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

HALF = 0x01306B47


def read_convolutions(param: Path, weights: Path) -> dict[str, Tensor]:
    """`<name>.weight` and `<name>.bias` of every convolution; a name such as /block_1/c1_r/Conv is block_1.c1_r."""
    data, at = weights.read_bytes(), 0
    found: dict[str, Tensor] = {}
    for line in param.read_text().splitlines()[2:]:
        kind, name, inputs, outputs, *rest = line.split()
        settings = dict(item.split("=") for item in rest[int(inputs) + int(outputs) :])
        if kind == "MemoryData":
            at += 4 * int(np.prod([int(settings[k]) for k in ("0", "1", "2") if k in settings]))
        if kind != "Convolution":
            continue
        channels, kernel, count = int(settings["0"]), int(settings["1"]), int(settings["6"])
        half = int.from_bytes(data[at : at + 4], "little") == HALF
        size = count * (2 if half else 4)
        numbers = np.frombuffer(data, "<f2" if half else "<f4", count, at + 4).astype(np.float32)
        at += 4 + (size + 3) // 4 * 4
        bias = np.frombuffer(data, "<f4", channels, at) if settings.get("5") == "1" else np.zeros(channels, "<f4")
        at += 4 * channels if settings.get("5") == "1" else 0
        place = ".".join(name.strip("/").split("/")[:-1])
        found[f"{place}.weight"] = torch.from_numpy(numbers.reshape(channels, -1, kernel, kernel).copy())
        found[f"{place}.bias"] = torch.from_numpy(bias.copy())
    if at != len(data):
        raise ValueError(f"{weights.name}: {len(data) - at} bytes are left over")
    return found

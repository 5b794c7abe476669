"""Writes a trained interpolation or upscaling network as it is shipped: a safetensors file and its manifest's lines.

Run `python -m training.export_networks --checkpoint .train/interpolation.pt --output <folder>`. What is written is the
moving average of the weights.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file

from vidgen_models.folder_check import sha256


def export(checkpoint: Path, output: Path) -> str:
    """Writes `model.safetensors` into `output` and returns its sha256."""
    state = torch.load(checkpoint, weights_only=True)
    weights = {name: value.float().contiguous() for name, value in state["average"].items()}
    output.mkdir(parents=True, exist_ok=True)
    file = output / "model.safetensors"
    save_file(weights, file, metadata={"format": "pt", "steps": str(state["step"]), "seconds": f"{state['spent']:.0f}"})
    file.chmod(0o644)
    return sha256(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()
    print(f'sha256 = "{export(args.checkpoint, args.output)}"')


if __name__ == "__main__":
    main()

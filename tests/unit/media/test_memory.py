"""Decoding and encoding stream: ten times the length needs no more memory."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import resource, sys
from pathlib import Path
import torch
from diffusers import AutoencoderKLWan
from vidgen.media.writer import write_video
from vidgen.stages.decode_latents import to_uint8
from vidgen_models.nets.causal_conv import use_onednn_convolutions
from vidgen_models.nets.wan import decode_stream
vae = AutoencoderKLWan.from_pretrained(sys.argv[1]).eval().requires_grad_(False)
use_onednn_convolutions(vae)
with torch.inference_mode():
    latents = torch.randn(1, 16, int(sys.argv[2]), 16, 16)
    written = write_video((to_uint8(pixels) for pixels in decode_stream(vae, latents)), Path(sys.argv[3]), fps=24)
print(written.num_frames, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def frames_and_peak_mb(vae: Path, latent_frames: int, out: Path) -> tuple[int, int]:
    command = [sys.executable, "-c", PROGRAM, str(vae), str(latent_frames), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    frames, peak = map(int, done.stdout.split())
    return frames, peak


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(tiny_folder, tmp_path):
    short, short_peak = frames_and_peak_mb(tiny_folder / "vae", 21, tmp_path / "short.mp4")
    long, long_peak = frames_and_peak_mb(tiny_folder / "vae", 201, tmp_path / "long.mp4")
    assert (short, long) == (81, 801)
    # the 720 further frames held at once would be 141 MB as floats
    assert long_peak - short_peak < 60

"""What happens to pictures before they are enlarged: made small, sent through H.264, sent through our autoencoder."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from diffusers import AutoencoderKLWan
from numpy.typing import NDArray
from PIL import Image

from training.vae import to_tensor

Frames = NDArray[np.uint8]


def made_small(frames: Frames, scale: int) -> Frames:
    """[t, h, w, 3] to [t, h/scale, w/scale, 3]: bicubic, widened by the scale so that nothing aliases."""
    size = (frames.shape[2] // scale, frames.shape[1] // scale)
    return np.stack([np.asarray(Image.fromarray(f).resize(size, Image.Resampling.BICUBIC)) for f in frames])


def through_h264(frames: Frames, crf: int) -> Frames:
    """The frames as a player shows them after x264 at `crf`; sides must be even."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(24), options={"crf": str(crf), "preset": "veryfast"})
        stream.pix_fmt, stream.height, stream.width = "yuv420p", *frames.shape[1:3]
        stream.codec_context.thread_count = 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


class Autoencoder:
    """The shipped video model's autoencoder; clips have 4k+1 frames and sides divisible by 8."""

    def __init__(self, model: Path) -> None:
        vae = AutoencoderKLWan.from_pretrained(str(model / "vae"), local_files_only=True, use_safetensors=True)
        self.vae = vae.eval().requires_grad_(False)

    @torch.no_grad()
    def __call__(self, frames: Frames) -> Frames:
        latents = self.vae.encode(to_tensor(frames[None]).contiguous()).latent_dist.mode()
        video = self.vae.decode(latents).sample[0].clamp(-1, 1)
        return ((video + 1) * 127.5 + 0.5).byte().permute(1, 2, 3, 0).numpy()

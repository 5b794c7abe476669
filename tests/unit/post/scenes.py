"""Small clips whose truth is known."""

import numpy as np


def disc(num_frames: int, *, size: int = 64, ground=(40, 90, 200), colour=(220, 120, 40), noise: float = 0.0):
    """An antialiased disc that moves to the right over a flat ground: frames, and what it covers `[t, h, w]`."""
    y, x = np.mgrid[:size, :size]
    covers = np.stack([np.clip(14.5 - np.hypot(x - 20 - 2 * n, y - size / 2), 0, 1) for n in range(num_frames)])
    frames = covers[..., None] * np.array(colour, float) + (1 - covers[..., None]) * np.array(ground, float)
    grain = np.random.default_rng(0).normal(0, noise, frames.shape)
    return np.clip(np.rint(frames + grain), 0, 255).astype(np.uint8), covers


def texture(num_frames: int, size: int = 64, seed: int = 0):
    """A smooth random texture that pans by one pixel a frame."""
    import cv2

    wide = np.random.default_rng(seed).integers(0, 255, (size, size + num_frames, 3), np.uint8)
    wide = cv2.normalize(cv2.GaussianBlur(wide, (0, 0), 2.0), None, 20, 235, cv2.NORM_MINMAX)
    return np.stack([wide[:, n : n + size] for n in range(num_frames)])

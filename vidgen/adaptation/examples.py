"""A user's clips as what is trained on: latents and the embedding of a caption each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vidgen.errors import MediaError
from vidgen.longvideo.fingerprint import content_hash
from vidgen.media.source import read_clip
from vidgen.media.tensor import to_pixels
from vidgen.spec import ModelRules
from vidgen.stages.model import VideoModel

CAPTION = ".txt"


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """Latents `[1, z, latent frames, h, w]` and text `[1, tokens, dim]`."""

    latents: Tensor
    text: Tensor

    @property
    def name(self) -> str:
        """Names it by content."""
        return content_hash(self.latents) + content_hash(self.text)


def caption_of(clip: Path, prompt: str) -> str:
    """What the text file beside a clip says, else `prompt`. Raises MediaError where there is neither."""
    file = clip.with_suffix(CAPTION)
    text = " ".join(file.read_text().split()) if file.is_file() else prompt
    if not text:
        raise MediaError(f"{clip.name}: no caption; give --prompt, or write one into {file.name} beside it")
    return text


def read_examples(
    model: VideoModel, clips: Sequence[Path], prompt: str, rules: ModelRules, num_frames: int
) -> list[Example]:
    """One of every clip: its first `num_frames` at the model's rate and default size.

    Raises MediaError for a clip that is shorter, is none, or has no caption.
    """
    return [read_example(model, clip, caption_of(clip, prompt), rules, num_frames) for clip in clips]


def read_example(model: VideoModel, clip: Path, caption: str, rules: ModelRules, num_frames: int) -> Example:
    """The clip's first `num_frames` at the model's rate and default size. Raises MediaError where it is shorter."""
    size = {"width": rules.sides.default_width, "height": rules.sides.default_height}
    with torch.no_grad():
        pixels = to_pixels(read_clip(clip, num_frames=num_frames, fps=rules.fps, **size))
        # cloned, as what was encoded for a render before knows no gradients
        return Example(model.encode_pixels(pixels).clone(), model.encode_text([caption]).clone())

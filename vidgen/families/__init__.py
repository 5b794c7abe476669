"""One adapter a model family over diffusers: folder in, `VideoModel` out."""

import hashlib
import json

import torch

from vidgen.errors import ModelError
from vidgen.families.wan_vace import WanVace
from vidgen.spec import MemoryTier
from vidgen.stages.model import VideoModel
from vidgen_models.folder_check import check_folder
from vidgen_models.registry import Manifest

FAMILIES = {"wan_vace": WanVace}


def load_family(
    manifest: Manifest, device: torch.device, dtype: torch.dtype, tier: MemoryTier = MemoryTier.FULL
) -> VideoModel:
    """Check the model's folder against its manifest, then read it. Raises ModelError before any weight is read."""
    if manifest.family not in FAMILIES:
        known = ", ".join(sorted(FAMILIES))
        raise ModelError(f"family={manifest.family}: {manifest.id} needs an adapter; there are {known}")
    check_folder(manifest.path, manifest.files)
    family = FAMILIES[manifest.family]
    return family(
        manifest.path,
        text_length=manifest.text_length,
        device=device,
        dtype=dtype,
        tier=tier,
        weights=_weights(manifest),
    )


def _weights(manifest: Manifest) -> str:
    """Names the weights by content, so that chunks made with others are never gone on from."""
    content = json.dumps([manifest.id, manifest.revision, sorted(manifest.files.items())])
    return hashlib.sha256(content.encode()).hexdigest()

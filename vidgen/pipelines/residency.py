"""Which models are in memory: a model is checked and read once, and stays until another one is asked for."""

import torch

from vidgen.families import load_family
from vidgen.runtime.device import default_device, default_dtype, use_physical_cores
from vidgen.spec import MemoryTier
from vidgen.stages.clip_model import ClipModel
from vidgen.stages.model import VideoModel
from vidgen_models.registry import Manifest, ModelRegistry

Identity = tuple[str, str, str, int, tuple[tuple[str, str], ...]]


class Residency:
    """Keeps the model used last. Not for use by several threads: one runner process owns one device."""

    def __init__(self, registry: ModelRegistry) -> None:
        self.registry = registry
        self.device = default_device()
        self._resident: tuple[tuple[Identity, MemoryTier], VideoModel | ClipModel] | None = None
        use_physical_cores()

    def model(self, model_id: str, tier: MemoryTier = MemoryTier.FULL) -> VideoModel | ClipModel:
        """Raises ModelError when the model is unknown, unsafe or incomplete."""
        manifest = self.registry.get(model_id)
        wanted = (_identity(manifest), tier)
        if self._resident is None or self._resident[0] != wanted:
            self._resident = None
            # also when a render asks: what is read in inference mode could never be trained on
            with torch.inference_mode(False):
                self._resident = (wanted, load_family(manifest, self.device, default_dtype(self.device), tier))
        model = self._resident[1]
        model.conditioning, model.loras = manifest.rules.conditioning, self.registry.loras
        return model


def _identity(manifest: Manifest) -> Identity:
    """What was read, since a model may be replaced or rolled back under its id; rules may change and it stays."""
    folder = f"{manifest.path}/{manifest.weights}/{manifest.running.model_dump_json()}"
    return manifest.id, manifest.revision, folder, manifest.text_length, tuple(manifest.hashes.items())

"""How sparing a run is with memory."""

from enum import IntEnum


class MemoryTier(IntEnum):
    """FULL is as fast as it can be. LOW holds one network on the device at a time, predicts with and without guidance
    one after the other, decodes one latent frame at once and draws no previews: slower, the same clip to rounding.
    """

    FULL = 0
    LOW = 1

    @property
    def word(self) -> str:
        """As manifests and stored needs name it."""
        return self.name.lower()

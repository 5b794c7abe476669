"""LoRAs a user added: small weights that change a model, each made for certain models. Loads no torch."""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from vidgen.errors import ModelError
from vidgen.spec.base import SpecModel

FOLDER = "loras"
"""Beside the manifests of models."""
TRAINED = "trained"
"""In that folder: weights that jobs have trained, which stay when the job's files are removed."""


class LoraManifest(SpecModel):
    """One file of weights, where it lies and what it must be."""

    id: str
    kind: Literal["lora", "embedding"] = Field(default="lora", description="embedding: a word for the text encoder.")
    models: tuple[str, ...] = Field(description="Ids of the models it was made for.")
    file: str = Field(description="Absolute path of the safetensors file.")
    sha256: str
    licence: str = "unknown"
    tenant: str | None = Field(default=None, description="Who alone may see and use it; None: everybody.")

    @property
    def path(self) -> Path:
        return Path(self.file)


def word_of(embedding_id: str) -> str:
    """How prompts name an embedding."""
    return f"<{embedding_id}>"


def read_lora(file: Path) -> LoraManifest:
    """Raises ModelError naming the file when it is not a LoRA's manifest."""
    try:
        return LoraManifest.model_validate(tomllib.loads(file.read_text()))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{file.name}: not a valid manifest of a LoRA: {error}") from error

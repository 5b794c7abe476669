"""The configurations of a model folder in the diffusers layout, read as plain JSON: no class, no weight."""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from vidgen.errors import ModelError
from vidgen_models.folder_check import INDEX

CONFIGS = ("config.json", "scheduler_config.json", "preprocessor_config.json")


class ModelFolder:
    """What `model_index.json` and the components' configurations say."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def index(self) -> Mapping[str, Any]:
        """Raises ModelError where there is none."""
        file = self.path / INDEX
        if not file.is_file():
            raise ModelError(f"{self.path.name}: no {INDEX}; expected a folder in the diffusers layout")
        content: Mapping[str, Any] = json.loads(file.read_text())
        return content

    @property
    def pipeline(self) -> str:
        """The pipeline's class name, which says the family."""
        return str(self.index.get("_class_name", ""))

    def has(self, component: str) -> bool:
        """Whether the index names this component; optional ones are `[null, null]` where they are left out."""
        value = self.index.get(component)
        return isinstance(value, list) and value[0] is not None

    def config(self, component: str) -> Mapping[str, Any]:
        """A component's configuration. Raises ModelError where the folder lacks it."""
        for name in CONFIGS:
            file = self.path / component / name
            if file.is_file():
                content: Mapping[str, Any] = json.loads(file.read_text())
                return content
        raise ModelError(f"{self.path.name}: no configuration of {component}; the folder is incomplete")

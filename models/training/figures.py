"""Measured figures, kept as JSON beside how they were measured, so that one table can be made of them all.

A file holds sections; a section says with which command and on which revision of the weights its values were measured.
Knows nothing of what a figure means (bars.py does).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vidgen_models.registry import SHIPPED_WEIGHTS, ModelRegistry

FILE = "figures.json"
Figures = dict[str, dict[str, Any]]
"""Sections by name, each with `command`, `of` (what was measured) and `values`."""


def read(folder: Path) -> Figures:
    """All sections in `folder`; none where nothing was measured yet."""
    file = folder / FILE
    return json.loads(file.read_text()) if file.exists() else {}


def keep(folder: Path, section: str, command: str, of: str, values: Mapping[str, Any]) -> None:
    """Writes `section` anew; the others stay."""
    found = read(folder) | {section: {"command": command, "of": of, "values": dict(values)}}
    (folder / FILE).write_text(json.dumps(found, indent=1) + "\n")


def named(model: Path) -> str:
    """What a model folder is called in a table: a shipped one by its id and revision."""
    for manifest in ModelRegistry().manifests.values():
        if (SHIPPED_WEIGHTS / manifest.folder).resolve() == model.resolve():
            return f"{manifest.id} revision {manifest.revision}"
    return model.name


def value(figures: Figures, path: str) -> float | None:
    """The number at `section/key/key`; None where it was not measured."""
    section, *keys = path.split("/")
    found: Any = figures.get(section, {}).get("values", {})
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return None if found is None else float(found)

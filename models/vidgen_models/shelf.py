"""The manifests a user added: written, listed, taken away, and put back as they were before. Loads no torch.

`<id>.toml` is in use; `history/<id>/NNNN.toml` are those it replaced, oldest first. Weights stay where they are.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vidgen.errors import ModelError
from vidgen.spec.base import SpecModel
from vidgen_models.estimators import FOLDER as ESTIMATORS
from vidgen_models.estimators import EstimatorManifest
from vidgen_models.loras import FOLDER as LORAS
from vidgen_models.loras import LoraManifest
from vidgen_models.registry import Manifest, read_manifest

HISTORY = "history"


class Shelf:
    """A folder of manifests that `vidgen models` looks after."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, manifest: Manifest) -> None:
        """Write a manifest; one of that id which says something else goes into its history."""
        file = self._file(manifest.id)
        if file.is_file():
            if read_manifest(file) == manifest:
                return
            self._keep(manifest.id)
        _write(file, as_toml(manifest))

    def has(self, model_id: str) -> bool:
        """Whether a manifest of this id was added here and is in use."""
        return self._file(model_id).is_file()

    def remove(self, model_id: str) -> None:
        """Take a manifest out of use, into its history. Raises ModelError when it was not added here."""
        self._keep(model_id)

    def rollback(self, model_id: str) -> Manifest:
        """Put back what was in use before; what is in use now is forgotten. Raises ModelError when there is nothing."""
        earlier = self._earlier(model_id)
        if not earlier:
            raise ModelError(f"model={model_id}: nothing was in use before", code="unknown_model")
        earlier[-1].replace(self._file(model_id))
        return read_manifest(self._file(model_id))

    def put_lora(self, lora: LoraManifest) -> None:
        """Write a LoRA's manifest; one of that id is replaced."""
        _write(self._folder / LORAS / f"{lora.id}.toml", as_toml(lora))

    def forget_lora(self, lora_id: str) -> bool:
        """Take a LoRA out of use; False when there was none of that id. Its file stays."""
        return _forget(self._folder / LORAS / f"{lora_id}.toml")

    def put_estimator(self, estimator: EstimatorManifest) -> None:
        """Write an estimator's manifest; one of that id is replaced."""
        _write(self._folder / ESTIMATORS / f"{estimator.id}.toml", as_toml(estimator))

    def forget_estimator(self, estimator_id: str) -> bool:
        """Take an estimator out of use; False when there was none of that id. Its files stay."""
        return _forget(self._folder / ESTIMATORS / f"{estimator_id}.toml")

    def _keep(self, model_id: str) -> None:
        file, earlier = self._file(model_id), self._earlier(model_id)
        if not file.is_file():
            added = ", ".join(sorted(found.stem for found in self._folder.glob("*.toml"))) or "none"
            raise ModelError(f"model={model_id}: not added with `models add`; those are {added}", code="unknown_model")
        number = int(earlier[-1].stem) + 1 if earlier else 1
        kept = self._folder / HISTORY / model_id / f"{number:04}.toml"
        kept.parent.mkdir(parents=True, exist_ok=True)
        file.replace(kept)

    def _earlier(self, model_id: str) -> list[Path]:
        return sorted((self._folder / HISTORY / model_id).glob("*.toml"))

    def _file(self, model_id: str) -> Path:
        return self._folder / f"{model_id}.toml"


def _forget(manifest: Path) -> bool:
    found = manifest.is_file()
    manifest.unlink(missing_ok=True)
    return found


def as_toml(manifest: SpecModel) -> str:
    """A manifest as a file that is read back to the same; what is at its default is left out."""
    text = "\n".join(_table(manifest.model_dump(mode="json", exclude_defaults=True))) + "\n"
    tomllib.loads(text)
    return text


def _table(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[str]:
    """Plain values first, as TOML wants it, then the tables below."""
    tables = {key: value for key, value in values.items() if isinstance(value, Mapping)}
    lists = {key: value for key, value in values.items() if isinstance(value, list) and _holds_tables(value)}
    for key, value in values.items():
        if key not in tables and key not in lists and value is not None:
            yield f"{_key(key)} = {json.dumps(value, ensure_ascii=False)}"
    for key, value in tables.items():
        yield f"\n[{'.'.join(map(_key, (*path, key)))}]"
        yield from _table(value, (*path, key))
    for key, rows in lists.items():
        for row in rows:
            yield f"\n[[{'.'.join(map(_key, (*path, key)))}]]"
            yield from _table(row, (*path, key))


def _holds_tables(value: list[Any]) -> bool:
    return any(isinstance(item, Mapping) for item in value)


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() and name.isascii() else json.dumps(name)


def _write(file: Path, text: str) -> None:
    """In one step, so that nobody reads half a manifest."""
    file.parent.mkdir(parents=True, exist_ok=True)
    half = file.with_suffix(".half")
    half.write_text(text)
    half.replace(file)

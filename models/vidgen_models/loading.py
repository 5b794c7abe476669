"""Reads a model folder in the diffusers layout, and refuses one that could run code or was changed.

Rules: safetensors only, local files only, no file that can hold Python or a pickle, no `auto_map`, every hash as the
manifest says. They are checked before anything is read by a library (`trust_remote_code=False` is not a boundary).
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import diffusers
import torch
import transformers

from vidgen.errors import ModelError

# a run shows its own progress; the libraries' bars would write over it
transformers.utils.logging.disable_progress_bar()
diffusers.utils.logging.disable_progress_bar()

UNSAFE_SUFFIXES = frozenset({".py", ".bin", ".pkl", ".pickle", ".ckpt", ".pt", ".pth", ".so"})
CODE_KEYS = frozenset({"auto_map", "custom_pipeline"})
READ_SIZE = 1 << 20

Component = TypeVar("Component")


def check_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Raises ModelError naming the first file that is missing, unsafe, or not the one the manifest hashed."""
    if not (folder / "model_index.json").is_file():
        raise ModelError(f"{folder.name}: no model_index.json; expected a folder in the diffusers layout")
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = file.relative_to(folder).as_posix()
        if file.suffix in UNSAFE_SUFFIXES:
            raise ModelError(f"{name}: such files can run code; use safetensors", code="unsafe_model")
        if file.suffix == ".json" and CODE_KEYS & _keys(file):
            raise ModelError(f"{name}: names code to import (auto_map, custom_pipeline)", code="unsafe_model")
    for name, expected in files.items():
        file = folder / name
        if not file.is_file():
            raise ModelError(f"{name}: missing from {folder.name}; install the model again")
        if sha256(file) != expected:
            raise ModelError(f"{name}: not the file the manifest names (sha256 differs)", code="unsafe_model")


def load_component(kind: type[Component], folder: Path, dtype: torch.dtype | None = None) -> Component:
    """One component from its folder: networks in eval mode without gradients, tokenizers as they are."""
    kwargs: dict[str, Any] = {"local_files_only": True}
    if dtype is not None:
        kwargs |= {"use_safetensors": True, _dtype_argument(kind): dtype}
    loaded: Any = kind.from_pretrained(str(folder), **kwargs)  # type: ignore[attr-defined]
    if isinstance(loaded, torch.nn.Module):
        loaded.eval().requires_grad_(False)
    component: Component = loaded
    return component


def scheduler_factory(folder: Path) -> Callable[[], Any]:
    """Makes the folder's scheduler anew on every call, because schedulers carry the state of one run."""
    config = json.loads((folder / "scheduler_config.json").read_text())
    kind: Any = getattr(diffusers, config["_class_name"], None)
    if not (isinstance(kind, type) and issubclass(kind, diffusers.SchedulerMixin)):
        raise ModelError(f"scheduler: {config['_class_name']} is not a scheduler of diffusers")
    make: Any = kind
    return lambda: make.from_config(config)


def sha256(file: Path) -> str:
    """Hex digest of a file, read in pieces."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(READ_SIZE):
            digest.update(piece)
    return digest.hexdigest()


def _dtype_argument(kind: type) -> str:
    """diffusers says torch_dtype, transformers says dtype."""
    return "torch_dtype" if issubclass(kind, diffusers.ModelMixin) else "dtype"


def _keys(file: Path) -> frozenset[str]:
    content = json.loads(file.read_text())
    return frozenset(content) if isinstance(content, dict) else frozenset()

"""Reads the components of a model folder in the diffusers layout, once folder_check.py has let the folder pass.

Local files only, networks from safetensors only, classes by our choice and never by the folder's.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import diffusers
import torch
import transformers

from vidgen.spec.advanced import AdvancedFields
from vidgen_models.samplers import scheduler_maker
from vidgen_models.single_file import read_single

# a run shows its own progress; the libraries' bars would write over it
transformers.utils.logging.disable_progress_bar()
diffusers.utils.logging.disable_progress_bar()
# and their warnings quote prompts, which log lines may not hold
transformers.utils.logging.set_verbosity_error()
diffusers.utils.logging.set_verbosity_error()

Component = TypeVar("Component")


def load_component(
    kind: type[Component], folder: Path, dtype: torch.dtype | None = None, single: Path | None = None
) -> Component:
    """One component from its folder: networks in eval mode without gradients, tokenizers as they are.

    With a `single` file the weights are that file's, and only the configuration the folder's.
    """
    if single is not None and dtype is not None:
        network: Component = read_single(kind, folder, single, folder.name, dtype)
        return network
    kwargs: dict[str, Any] = {"local_files_only": True}
    if dtype is not None:
        kwargs |= {"use_safetensors": True, _dtype_argument(kind): dtype}
    loaded: Any = kind.from_pretrained(str(folder), **kwargs)  # type: ignore[attr-defined]
    if isinstance(loaded, torch.nn.Module):
        loaded.eval().requires_grad_(False)
    component: Component = loaded
    return component


def scheduler_factory(folder: Path) -> Callable[[AdvancedFields | None], Any]:
    """Makes the folder's scheduler, or the sampler asked for on its schedule, anew on every call."""
    return scheduler_maker(json.loads((folder / "scheduler_config.json").read_text()))


def _dtype_argument(kind: type) -> str:
    """diffusers says torch_dtype, transformers says dtype."""
    return "torch_dtype" if issubclass(kind, diffusers.ModelMixin) else "dtype"

"""One network out of a single file: in its authors' own names, alone or beside others, or in diffusers' names.

Whether a file fits is decided by names and shapes alone, before any weight is read. The configuration comes from a
folder, never from the file. The renaming is diffusers'; that nothing is missing or left over is seen to here.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from diffusers import ModelMixin
from diffusers.loaders.single_file_model import SINGLE_FILE_LOADABLE_CLASSES
from safetensors import safe_open
from torch import Tensor, nn

from vidgen.errors import ModelError
from vidgen_models.folder_check import GGUF, check_gguf
from vidgen_models.gguf_file import bytes_in, fill, shapes_in, tensors_in
from vidgen_models.safetensors_header import check_safetensors

PREFIXES: Mapping[str, tuple[str, ...]] = {
    "transformer": ("model.diffusion_model.",),
    "transformer_2": ("model.diffusion_model.",),
    "unet": ("model.diffusion_model.",),
    "vae": ("first_stage_model.", "vae."),
    "audio_vae": ("audio_vae.",),
    "text_encoder": ("cond_stage_model.transformer.",),
}
"""Under which names a component lies in a file that holds a whole model."""
NOT_WEIGHTS = ("position_ids",)
"""What older files carry along and newer networks make themselves."""
COMPUTED = ("pos_embed.pe",)
"""Tables of sines, which authors' files leave out or hold under a name of their own."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor in a file: how many numbers it has, and how many bytes where it is held as it lies there."""

    numel: int
    packed_bytes: int = 0


def stored_in(file: Path) -> dict[str, Stored]:
    """Every tensor of a file by name. Raises ModelError where it is no such file."""
    packed = bytes_in(file) if file.suffix == GGUF else {}
    return {name: Stored(math.prod(it.shape), packed.get(name, 0)) for name, it in names_of(file).items()}


def names_of(file: Path) -> dict[str, Tensor]:
    """Every tensor of a file of weights, its shape and no content. Raises ModelError where it is no such file."""
    if file.suffix == GGUF:
        check_gguf(file, file.name)
        return {name: torch.empty(shape, device="meta") for name, shape in shapes_in(file).items()}
    check_safetensors(file, file.name)
    with safe_open(file, framework="pt") as weights:
        slices = {name: weights.get_slice(name) for name in weights.keys()}  # noqa: SIM118 - not a mapping
        return {name: torch.empty(part.get_shape(), device="meta") for name, part in slices.items()}


def check_fit(kind: Any, config: Path, file: Path, component: str) -> None:
    """Raises ModelError naming the first tensor that the file lacks, has in another shape, or has in addition."""
    wanted, found = _empty(kind, config).state_dict(), _own_names(kind, config, component, names_of(file))
    wanted = {name: tensor for name, tensor in wanted.items() if name in found or not name.endswith(COMPUTED)}
    for name in sorted(wanted.keys() - found.keys()):
        raise ModelError(f"{file.name}: no {name} for the {component} of {config.parent.name}; it is of another kind")
    for name in sorted(wanted):
        if wanted[name].shape != found[name].shape:
            theirs, ours = tuple(found[name].shape), tuple(wanted[name].shape)
            raise ModelError(
                f"{file.name}: {name} is {theirs}, and {ours} in the {component} of {config.parent.name}: "
                "a checkpoint of another size"
            )
    for name in sorted(found.keys() - wanted.keys()):
        raise ModelError(f"{file.name}: {name} has no place in the {component} of {config.parent.name}")


def read_single(kind: Any, config: Path, file: Path, component: str, dtype: torch.dtype) -> Any:
    """The network with a file's weights in `dtype`; what the class keeps in float32 stays so, as diffusers keeps it."""
    check_fit(kind, config, file, component)
    kept = frozenset(getattr(kind, "_keep_in_fp32_modules", None) or ())
    if file.suffix == GGUF:
        packed = _own_names(kind, config, component, tensors_in(file))
        return fill(_empty(kind, config), packed, dtype, kept).eval().requires_grad_(False)
    with safe_open(file, framework="pt") as weights:
        wanted = part_of(component, dict.fromkeys(weights.keys()))
        tensors = _own_names(kind, config, component, {name: weights.get_tensor(name) for name in wanted})
    network = _empty(kind, config)
    network.load_state_dict(
        {
            # copied out of the file: what lies in it is neither aligned nor safe from a change on disk
            name: tensor.to(torch.float32 if kept & set(name.split(".")) else dtype, copy=True)
            for name, tensor in tensors.items()
        },
        assign=True,
        strict=False,  # what may be missing has been looked at
    )
    return network.eval().requires_grad_(False)


def _empty(kind: Any, config: Path) -> nn.Module:
    """The network as its configuration says, without memory for its weights."""
    with init_empty_weights():
        if issubclass(kind, ModelMixin):
            empty: nn.Module = kind.from_config(kind.load_config(str(config), local_files_only=True))
        else:
            empty = kind(kind.config_class.from_pretrained(str(config), local_files_only=True))
    return empty


def _own_names(kind: Any, config: Path, component: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The component's tensors by the network's names: of all ways to read the file's names, the one that fits best."""
    expected = _empty(kind, config).state_dict().keys()
    part = part_of(component, tensors)
    stripped = {_stripped(component, name): tensor for name, tensor in part.items()}
    # CLIP's text network lost and gained a leading `text_model.` from release to release
    longer = {f"text_model.{name}": tensor for name, tensor in stripped.items()}
    shorter = {name.removeprefix("text_model."): tensor for name, tensor in stripped.items()}
    renamed = [_renamed(kind, config, given) for given in (part, stripped)]
    return max((stripped, *renamed, longer, shorter), key=lambda named: len(expected & named.keys()))


def part_of(component: str, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """What of the file is the component's: what bears its prefix, or all of a file that bears none."""
    kept = {name: tensor for name, tensor in tensors.items() if not name.endswith(NOT_WEIGHTS)}
    everywhere = tuple({prefix for prefixes in PREFIXES.values() for prefix in prefixes})
    if not any(name.startswith(everywhere) for name in kept):
        return kept
    return {name: tensor for name, tensor in kept.items() if name.startswith(PREFIXES.get(component, ()))}


def _stripped(component: str, name: str) -> str:
    for prefix in PREFIXES.get(component, ()):
        name = name.removeprefix(prefix)
    return name


def _renamed(kind: Any, config: Path, part: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """By diffusers' table of the class; nothing where it has none, or the names are not those that it expects."""
    known = (SINGLE_FILE_LOADABLE_CLASSES.get(base.__name__) for base in kind.__mro__)
    rename = next((entry["checkpoint_mapping_fn"] for entry in known if entry is not None), None)
    if rename is None or not part:
        return {}
    settings = dict(kind.load_config(str(config), local_files_only=True))
    try:
        done: dict[str, Tensor] = rename(config=settings, checkpoint=dict(part))
    except (LookupError, AttributeError, RuntimeError, ValueError):
        return {}
    return done

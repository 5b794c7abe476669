"""A single file of weights to a manifest: what it holds, and the folder that gives everything else.

Such a file is one network of a model, or several; it says nothing of text encoders, tokenizers and schedulers. These,
and the configurations of what it does hold, come from a model that is installed or from a folder.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vidgen.errors import ModelError
from vidgen.families import adapter, check_running, family_of
from vidgen.families.component_class import class_of
from vidgen.families.folder import ModelFolder
from vidgen.families.installation import (
    UNKNOWN_LICENCE,
    Wishes,
    checked_id,
    distilled,
    manifest_for,
    nearest_id,
    revision_of,
    without_loras,
)
from vidgen.families.memory_plan import floor_rows
from vidgen.spec import ModelRules
from vidgen_models.folder_check import GGUF, check_folder, check_weights, sha256
from vidgen_models.registry import Manifest, Running, SingleFile
from vidgen_models.single_file import PREFIXES, check_fit, names_of

MARKS: Mapping[str, tuple[str, str]] = {
    "av_ca_a2v_gate_adaln_single.linear.weight": ("transformer", "LTX-2"),
    "vace_blocks.0.after_proj.bias": ("transformer", "Wan-VACE"),
    "motion_encoder.dec.direction.weight": ("transformer", "Wan Animate"),
    "head.modulation": ("transformer", "Wan or SkyReels-V2"),
    "txt_in.individual_token_refiner.blocks.0.adaLN_modulation.1.bias": ("transformer", "HunyuanVideo"),
    "blocks.0.attn.qkv_x.weight": ("transformer", "Mochi"),
    "patchify_proj.weight": ("transformer", "LTX-Video"),
    "input_blocks.0.0.weight": ("unet", "Stable Diffusion, which AnimateDiff moves"),
    "time_mix_blocks": ("unet", "Stable Video Diffusion"),
    "temporal_transformer": ("motion_adapter", "AnimateDiff"),
    "decoder.middle.0.residual.0.gamma": ("vae", "Wan or SkyReels-V2"),
}
"""Part of a name that only files of one kind hold, in their authors' names; the most particular first."""


def single_file_manifest(
    file: Path,
    installed: Sequence[Manifest],
    wishes: Wishes,
    *,
    base: Manifest | Path | None = None,
    component: str | None = None,
) -> Manifest:
    """The manifest of a model whose weights are those of `file` as far as it holds any, and the base's elsewhere.

    Without a base, the first of the `installed` models that the file fits is taken; without `component`, every
    component that the file holds. Raises ModelError naming what the file is, and the first tensor that does not fit.
    """
    check_weights(file, None)
    if base is None:
        return _with_any(file, installed, wishes, component)
    return _over(file, base, wishes, component)


def _with_any(file: Path, installed: Sequence[Manifest], wishes: Wishes, component: str | None) -> Manifest:
    for manifest in installed:
        try:
            return _over(file, manifest, wishes, component)
        except ModelError:
            continue
    raise ModelError(
        f"{file.name}: {_told(file)}. No installed model has such a one; give --base, a model or a folder that holds "
        "its configuration and the other components (text encoder, tokenizer, scheduler, autoencoder)"
    )


def _over(file: Path, base: Manifest | Path, wishes: Wishes, component: str | None) -> Manifest:
    place = base.path if isinstance(base, Manifest) else base.resolve()
    check_folder(place, {})
    folder = ModelFolder(place)
    family = adapter(family_of(folder))
    classes = {name: class_of(folder, name, kinds) for name, kinds in family.components.items()}
    networks = {name: kind for name, kind in classes.items() if hasattr(kind, "state_dict")}
    held = _held(file, folder, networks, component)
    under = base if isinstance(base, Manifest) else manifest_for(place, wishes, held)
    single = SingleFile(file=str(file.resolve()), sha256=sha256(file), components=held)
    kept = tuple(other for other in under.single_files if not set(other.components) <= set(held))
    hashes = {**under.files, **{other.path.name: other.sha256 for other in (*kept, single)}}
    made = under.model_copy(
        update={
            "id": checked_id(wishes.model_id or nearest_id(file.stem)),
            "name": wishes.name or file.stem,
            "revision": revision_of(hashes),
            "licence": wishes.licence or UNKNOWN_LICENCE,
            "description": f"{folder.pipeline} with the {' and '.join(held)} of {file.name}.",
            "folder": str(place),
            "rules": _rules(file, under, wishes, held),
            "single_files": (*kept, single),
            "weights": wishes.weights if wishes.weights != "own" else under.weights,
            "running": wishes.running if wishes.running != Running() else under.running,
        }
    )
    check_running(made)
    measured = any(row.measured for row in under.memory)
    return made if measured else made.model_copy(update={"memory": floor_rows(made)})


def _rules(file: Path, under: Manifest, wishes: Wishes, held: Sequence[str]) -> ModelRules:
    """The base's; a network whose layers are packed takes no LoRA."""
    rules = distilled(under.rules, wishes.few_steps) if wishes.few_steps else under.rules
    packed = file.suffix == GGUF and not {"vae", "text_encoder"} >= set(held)
    return without_loras(rules) if packed or wishes.weights != "own" else rules


def _held(file: Path, folder: ModelFolder, networks: Mapping[str, Any], wanted: str | None) -> tuple[str, ...]:
    """The components that the file holds whole; of two that it fits as well, such as experts, the first alone."""
    if wanted is not None:
        if wanted not in networks:
            raise ModelError(f"component={wanted}: {folder.path.name} has none; there are {', '.join(networks)}")
        check_fit(networks[wanted], folder.path / wanted, file, wanted)
        return (wanted,)
    held: list[str] = []
    misfits: dict[str, ModelError] = {}
    for name, kind in networks.items():
        if any(PREFIXES.get(name, name) == PREFIXES.get(other, other) for other in held):
            continue
        try:
            check_fit(kind, folder.path / name, file, name)
        except ModelError as error:
            misfits[name] = error
        else:
            held.append(name)
    _check_all_is_used(file, held, misfits)
    if held:
        return tuple(held)
    closest = next((error for error in misfits.values() if "of another size" in error.message), None)
    raise closest or ModelError(f"{file.name}: {_told(file)}; {folder.path.name} ({folder.pipeline}) has no such one")


def _check_all_is_used(file: Path, held: Sequence[str], misfits: Mapping[str, ModelError]) -> None:
    """A component that lies in the file under its own prefix must fit: else it would silently be the base's."""
    names, used = names_of(file), {prefix for name in held for prefix in PREFIXES.get(name, ())}
    for name, error in misfits.items():
        own = tuple(prefix for prefix in PREFIXES.get(name, ()) if prefix not in used)
        if own and held and any(found.startswith(own) for found in names):
            raise error


def _told(file: Path) -> str:
    """What a file looks to be, in words."""
    names = names_of(file)
    for mark, (component, model) in MARKS.items():
        if any(mark in name for name in names):
            others = [
                name for name in ("vae", "text_encoder") if any(found.startswith(PREFIXES[name]) for found in names)
            ]
            also = f" (and its {' and '.join(others)})" if others else ""
            return f"the {component} of {model}{also}"
    if any("lora" in name for name in names):
        return "a LoRA, which `vidgen models add-lora` takes"
    return f"{len(names)} tensors in names of no family, such as {min(names, default='none')}"

"""A local folder to a manifest: safe, complete, of a known family, every file hashed."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from safetensors import safe_open

from vidgen.errors import ModelError
from vidgen.families import adapter, check_running, family_of, own_rules
from vidgen.families.folder import ModelFolder
from vidgen.families.memory_plan import Way, floor_rows
from vidgen.families.textual_inversion import vectors_of
from vidgen.spec import GuidanceRule, ModelRules, StepRule
from vidgen.spec.conditioning.control import ControlKind
from vidgen_models.folder_check import check_folder, sha256
from vidgen_models.loras import LoraManifest
from vidgen_models.registry import Manifest, Running, Weights
from vidgen_models.safetensors_header import check_safetensors

ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
HASHED = frozenset({".json", ".safetensors", ".txt", ".model"})
REVISION_LENGTH = 12
UNKNOWN_LICENCE = "unknown: ask whoever gave you the weights"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the folder does not say. `few_steps`: the checkpoint was distilled to so many steps without guidance.

    `controls` are what its control network was trained to follow, `weights` how they are held, `running` how
    it is run.
    """

    model_id: str | None = None
    name: str | None = None
    licence: str | None = None
    few_steps: int | None = None
    controls: tuple[ControlKind, ...] = ()
    weights: Weights = "own"
    running: Running = field(default_factory=Running)


def manifest_for(path: Path, wishes: Wishes, replaced: Collection[str] = ()) -> Manifest:
    """Inspect a folder in the diffusers layout. Raises ModelError naming what is unsafe, missing or unknown.

    Weights of the components `replaced` need not be there, only their configurations.
    """
    path = path.resolve()
    check_folder(path, {})
    folder = ModelFolder(path)
    family = family_of(folder)
    said = own_rules.described(path, adapter(family).describe(folder))
    _check_complete(folder, replaced)
    rules = _followed(_single_windows(said.rules), wishes.controls)
    rules = rules if wishes.weights == "own" else without_loras(rules)
    files = hashes_of(path)
    made = Manifest(
        id=checked_id(wishes.model_id or nearest_id(path.name)),
        name=wishes.name or path.name,
        family=family,
        revision=revision_of(files),
        licence=wishes.licence or licence_of(path),
        description=f"{folder.pipeline}: {', '.join(rules.tasks)}.",
        folder=str(path),
        text_length=said.text_length,
        rules=distilled(rules, wishes.few_steps) if wishes.few_steps else rules,
        files=files,
        weights=wishes.weights,
        running=wishes.running,
    )
    check_running(made)
    return made.model_copy(update={"memory": floor_rows(made)})


def planned(manifest: Manifest, way: Way) -> Manifest:
    """The manifest of a model that is run in this way; what was measured of another one is left out."""
    changed = manifest.model_copy(
        update={
            "weights": way.weights,
            "running": manifest.running.model_copy(update={"offload": way.offload}),
            "rules": manifest.rules if way.weights == "own" else without_loras(manifest.rules),
        }
    )
    if changed == manifest:
        return manifest
    return changed.model_copy(update={"memory": floor_rows(changed)})


def lora_for(file: Path, models: Sequence[Manifest], lora_id: str | None, licence: str) -> LoraManifest:
    """Inspect a LoRA's file. Raises ModelError where it is none, or a model's family takes none."""
    for model in models:
        if "loras" not in model.rules.options:
            raise ModelError(f"model={model.id}: its family takes no LoRA")
    check_safetensors(file, file.name)
    with safe_open(file, framework="pt") as weights:
        if not any("lora" in name for name in weights.keys()):  # noqa: SIM118 - not a mapping
            raise ModelError(f"{file.name}: holds no LoRA; its weights would have lora in their names")
    return LoraManifest(
        id=checked_id(lora_id or nearest_id(file.stem)),
        models=tuple(model.id for model in models),
        file=str(file.resolve()),
        sha256=sha256(file),
        licence=licence,
    )


def embedding_for(file: Path, models: Sequence[Manifest], embedding_id: str | None, licence: str) -> LoraManifest:
    """Inspect the file of a textual inversion. Raises ModelError where it is none, or a model's family takes none."""
    for model in models:
        if "embeddings" not in model.rules.options:
            raise ModelError(f"model={model.id}: its family takes no textual inversion")
    check_safetensors(file, file.name)
    width = vectors_of(file).shape[1]
    for model in models:
        if width != (wanted := _text_width(model)):
            raise ModelError(
                f"{file.name}: has {width} numbers a word, the text encoder of {model.id} {wanted}; "
                "it was made for another"
            )
    return LoraManifest(
        id=checked_id(embedding_id or nearest_id(file.stem)),
        kind="embedding",
        models=tuple(model.id for model in models),
        file=str(file.resolve()),
        sha256=sha256(file),
        licence=licence,
    )


def _text_width(model: Manifest) -> int:
    """Numbers that the text encoder holds for a word. Raises ModelError where its configuration does not say."""
    config = json.loads((model.path / "text_encoder" / "config.json").read_text())
    width = config.get("hidden_size", config.get("d_model"))
    if not isinstance(width, int):
        raise ModelError(f"model={model.id}: text_encoder/config.json says no hidden_size")
    return width


def checked_id(name: str) -> str:
    if not ID.fullmatch(name):
        raise ModelError(f"id={name}: letters a-z, digits, '.', '_' and '-' only; nearest is {nearest_id(name)}")
    return name


def without_loras(rules: ModelRules) -> ModelRules:
    """LoRAs are added to weights as the device computes with them; in fewer bits there are none."""
    return rules.model_copy(update={"options": tuple(name for name in rules.options if name != "loras")})


def _followed(rules: ModelRules, wanted: tuple[ControlKind, ...]) -> ModelRules:
    """Of the controls that the folder could have been trained on those that it was."""
    offered = rules.conditioning.controls
    for kind in wanted:
        if kind not in offered:
            raise ModelError(f"control={kind}: such a folder follows {', '.join(offered) or 'none'}")
    networks = rules.conditioning.control_networks
    if networks > 1 and len(set(wanted)) != networks:
        raise ModelError(
            f"control: the folder holds {networks} control networks; say what each follows, in their order"
        )
    if not wanted:
        return rules
    return rules.model_copy(update={"conditioning": rules.conditioning.model_copy(update={"controls": wanted})})


def _single_windows(rules: ModelRules) -> ModelRules:
    """Without lengths of windows, which are measured and not described, no clip is gone on from."""
    if rules.long is not None:
        return rules
    return rules.model_copy(update={"tasks": tuple(task for task in rules.tasks if task != "extend-video")})


def distilled(rules: ModelRules, steps: int) -> ModelRules:
    """A distilled checkpoint takes no guidance, and so no negative prompt: its unconditional pass is never run."""
    return rules.model_copy(
        update={
            "steps": StepRule(min=1, max=max(steps, rules.steps.max), default=steps),
            "guidance": GuidanceRule(min=1.0, max=1.0, default=1.0),
            "negative_prompt": False,
            "distilled": True,
        }
    )


def _check_complete(folder: ModelFolder, replaced: Collection[str]) -> None:
    """Every component that the index names is there, networks with weights that are read from safetensors."""
    for name in folder.index:
        if name.startswith("_") or not folder.has(name):
            continue
        place = folder.path / name
        if not place.is_dir():
            raise ModelError(f"{name}: missing from {folder.path.name}; the index names it")
        if name not in replaced and (place / "config.json").is_file() and not any(place.glob("*.safetensors")):
            raise ModelError(f"{name}: no weights as safetensors in {folder.path.name}; pickles are never read")


def hashes_of(path: Path) -> Mapping[str, str]:
    """sha256 of every file that can be read, by its name in the folder."""
    found = sorted(file for file in path.rglob("*") if file.is_file() and file.suffix in HASHED)
    return {file.relative_to(path).as_posix(): sha256(file) for file in found}


def revision_of(files: Mapping[str, str]) -> str:
    """Names the content, so that the same folder added twice is the same revision."""
    return hashlib.sha256("\n".join(f"{name} {digest}" for name, digest in files.items()).encode()).hexdigest()[
        :REVISION_LENGTH
    ]


def licence_of(path: Path) -> str:
    """As the folder's own README says it in its head, else unknown."""
    readme = path / "README.md"
    found = re.search(r"^license:[ \t]*(\S+)", readme.read_text(errors="replace"), re.M) if readme.is_file() else None
    return found[1] if found else UNKNOWN_LICENCE


def nearest_id(name: str) -> str:
    """The nearest valid id."""
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:64] or "model"

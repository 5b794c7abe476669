"""Which models are installed and what each can do: reads manifests (TOML), never weights. Loads no torch."""

import json
import os
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from vidgen.errors import ModelError
from vidgen.spec import ModelRules
from vidgen.spec.base import SpecModel
from vidgen.spec.conditioning.camera_loras import with_camera_loras
from vidgen.spec.conditioning.control import ControlKind
from vidgen_models.estimators import FOLDER as ESTIMATORS
from vidgen_models.estimators import EstimatorManifest, by_control, read_estimator
from vidgen_models.loras import FOLDER as LORAS
from vidgen_models.loras import LoraManifest, read_lora

PACKAGE = Path(__file__).parent
SHIPPED_MANIFESTS = PACKAGE / "manifests"
VOCABULARY = "vocabulary.json"
SHIPPED_WEIGHTS = PACKAGE / "weights"

Stamps = tuple[tuple[int, int], ...]


class MemoryRow(SpecModel):
    """Peak memory of a run: `base_mb` whatever the clip, and so many bytes for each pixel of each frame.

    What was not `measured` is a floor: the weights alone.
    """

    device: Literal["cpu", "cuda"]
    tier: Literal["full", "low"] = "full"
    base_mb: float
    bytes_per_pixel_frame: float
    measured: bool = True


Weights = Literal["own", "float8", "int8", "nf4"]
Attention = Literal["native", "math", "efficient", "flash-native", "cudnn", "flex", "flash", "sage", "xformers"]


class Running(SpecModel):
    """How a model is run: what changes speed and memory, and its frames by rounding at most."""

    attention: Attention = Field(default="native", description="What computes attention; `native` is torch's choice.")
    compile: bool = Field(default=False, description="Whether the repeated blocks are compiled, at the first step.")
    offload: Literal["networks", "layers"] = Field(
        default="networks", description="What is on a GPU at a time at the lower memory tier."
    )
    devices: int = Field(default=1, ge=1, description="Over how many devices a network's tokens are spread.")


class SingleFile(SpecModel):
    """A file of weights beside the folder: what it holds takes the place of the folder's components of those names."""

    file: str = Field(description="Path of the safetensors file; a relative one lies within the shipped weights.")
    sha256: str
    components: tuple[str, ...]

    @property
    def path(self) -> Path:
        return SHIPPED_WEIGHTS / self.file


class Manifest(SpecModel):
    """One installed model: identity, rules, costs. A relative `folder` lies within the shipped weights."""

    id: str
    name: str
    family: str = Field(description="The adapter in vidgen.families that runs it.")
    revision: str
    licence: str
    description: str
    folder: str
    text_length: int = Field(description="Tokens of the text encoder, fixed at training time.")
    rules: ModelRules
    memory: tuple[MemoryRow, ...] = ()
    seconds_per_step: float = Field(
        default=1.0, description="On two CPU cores at the default size and guidance, for forecasts."
    )
    files: Mapping[str, str] = Field(default_factory=dict, description="sha256 of every file, by path in the folder.")
    weights: Weights = Field(
        default="own",
        description="How networks' weights are held: as the device computes, or in 8 or 4 bits. float8 is of the "
        "denoiser alone, int8 and nf4 of the text encoders, too.",
    )
    running: Running = Field(default=Running(), description="How it is run.")
    single_files: tuple[SingleFile, ...] = Field(default=(), description="Weights in place of the folder's own.")

    @property
    def path(self) -> Path:
        return SHIPPED_WEIGHTS / self.folder

    @property
    def hashes(self) -> dict[str, str]:
        """sha256 of everything that the model is made of, by name."""
        return {**self.files, **{single.path.name: single.sha256 for single in self.single_files}}

    @property
    def replaced(self) -> dict[str, Path]:
        """The file of every component that does not come from the folder; of two, the one added later."""
        return {name: single.path for single in self.single_files for name in single.components}

    def vocabulary(self) -> dict[str, list[str] | dict[str, list[str]]]:
        """Subjects, motions, backgrounds and synonyms the model knows, where its weights say so; else empty."""
        file = self.path / VOCABULARY
        found: dict[str, list[str] | dict[str, list[str]]] = json.loads(file.read_text()) if file.is_file() else {}
        return found


@dataclass(frozen=True)
class Installed:
    """All that is there, by id."""

    bare: tuple[Manifest, ...]
    """As they were read, with neither LoRAs nor estimators in their rules."""
    loras: Mapping[str, LoraManifest]
    estimators: Mapping[str, EstimatorManifest]
    seen: dict[str, "Installed"] = field(default_factory=dict)
    """What tenants see of it, so that it is put together once for each."""

    @cached_property
    def manifests(self) -> Mapping[str, Manifest]:
        made = (_with_estimators(_with_loras(manifest, self.loras), self.estimators) for manifest in self.bare)
        return {manifest.id: manifest for manifest in made}

    def of(self, tenant: str) -> "Installed":
        """Without the LoRAs of other tenants."""
        if all(lora.tenant in (None, tenant) for lora in self.loras.values()):
            return self
        if tenant not in self.seen:
            loras = {lora.id: lora for lora in self.loras.values() if lora.tenant in (None, tenant)}
            self.seen[tenant] = Installed(self.bare, loras, self.estimators)
        return self.seen[tenant]


class ModelRegistry:
    """The manifests of the shipped models and those of further folders, which may replace shipped ones by id."""

    def __init__(self, *folders: Path) -> None:
        self.folders = (SHIPPED_MANIFESTS, *folders)
        self._lora_folders = tuple(folder / LORAS for folder in self.folders)
        self._estimator_folders = tuple(folder / ESTIMATORS for folder in self.folders)
        self._watched: tuple[Path, ...] = ()
        self._read: tuple[Stamps, Installed] | None = None

    @property
    def manifests(self) -> Mapping[str, Manifest]:
        """All installed models by id, read again when a file has changed. Raises ModelError naming what is no manifest.

        A model added while the service runs is there with the next request.
        """
        return self._up_to_date().manifests

    @property
    def loras(self) -> Mapping[str, LoraManifest]:
        """All installed LoRAs by id, as up to date."""
        return self._up_to_date().loras

    @property
    def estimators(self) -> Mapping[str, EstimatorManifest]:
        """All installed networks that see depth or poses, by id, as up to date."""
        return self._up_to_date().estimators

    @property
    def drawn_with(self) -> Mapping[ControlKind, EstimatorManifest]:
        """Which of them draws a kind of control."""
        return by_control(self.estimators.values())

    def _up_to_date(self) -> Installed:
        # folders tell of files that came and went, which costs a request less than listing them
        if self._read is None or self._read[0] != tuple(map(_stamp, self._watched)):
            folders = (*self.folders, *self._lora_folders, *self._estimator_folders)
            # of before they are listed, so that what comes meanwhile is missed once
            before = tuple(map(_stamp, folders))
            files, lora_files, seers = map(_manifests_in, (self.folders, self._lora_folders, self._estimator_folders))
            self._watched = (*folders, *files, *lora_files, *seers)
            stamps = (*before, *map(_stamp, (*files, *lora_files, *seers)))
            loras = {lora.id: lora for lora in map(read_lora, lora_files)}
            estimators = {estimator.id: estimator for estimator in map(read_estimator, seers)}
            self._read = (stamps, Installed(tuple(map(read_manifest, files)), loras, estimators))
        return self._read[1]

    def of(self, tenant: str) -> "ModelRegistry":
        """The same as this tenant sees it: LoRAs that others have trained are not there."""
        return _SeenBy(self, tenant)

    @property
    def lora_ids(self) -> Collection[str]:
        """Every id that is taken, also by LoRAs that this tenant does not see."""
        return self._up_to_date().loras.keys()

    def get(self, model_id: str) -> Manifest:
        """Raises ModelError (code unknown_model) naming the installed ids."""
        manifests = self.manifests
        if model_id not in manifests:
            installed = ", ".join(sorted(manifests))
            raise ModelError(f"model={model_id}: not installed; installed are {installed}", code="unknown_model")
        return manifests[model_id]


class _SeenBy(ModelRegistry):
    """A registry seen by one tenant; what was read is the registry's own."""

    def __init__(self, every: ModelRegistry, tenant: str) -> None:
        self.folders = every.folders
        self._every, self._tenant = every, tenant

    def _up_to_date(self) -> Installed:
        return self._every._up_to_date().of(self._tenant)

    @property
    def lora_ids(self) -> Collection[str]:
        return self._every.lora_ids


def _with_loras(manifest: Manifest, loras: Mapping[str, LoraManifest]) -> Manifest:
    """The manifest whose rules name the LoRAs and embeddings made for it, where its family takes any."""
    words = tuple(sorted(it.id for it in loras.values() if it.kind == "embedding" and manifest.id in it.models))
    if words and "embeddings" in manifest.rules.options:
        manifest = manifest.model_copy(update={"rules": manifest.rules.model_copy(update={"embeddings": words})})
    made = tuple(sorted(it.id for it in loras.values() if it.kind == "lora" and manifest.id in it.models))
    if not made or "loras" not in manifest.rules.options:
        return manifest
    conditioning = with_camera_loras(manifest.rules.conditioning, made)
    rules = manifest.rules.model_copy(update={"loras": made, "conditioning": conditioning})
    return manifest.model_copy(update={"rules": rules})


def _with_estimators(manifest: Manifest, estimators: Mapping[str, EstimatorManifest]) -> Manifest:
    """The manifest whose rules name the controls that can be drawn from a clip by networks that were added."""
    rules = manifest.rules.conditioning
    kinds = tuple(kind for kind in by_control(estimators.values()) if kind in rules.controls)
    if not kinds:
        return manifest
    changed = manifest.rules.model_copy(update={"conditioning": rules.model_copy(update={"estimated": kinds})})
    return manifest.model_copy(update={"rules": changed})


def _manifests_in(folders: Iterable[Path]) -> list[Path]:
    """By id within each folder; names of files would put `a-b.toml` before `a.toml`."""
    return [file for folder in folders for file in sorted(folder.glob("*.toml"), key=lambda file: file.stem)]


def _stamp(path: Path) -> tuple[int, int]:
    """What tells that a file was written since, or that a folder's files came or went; what is not there is (0, 0)."""
    try:
        found = os.stat(path)  # noqa: PTH116 - half the cost of Path.stat, several times a request
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def read_manifest(file: Path) -> Manifest:
    """Raises ModelError naming the file when it is not a manifest."""
    try:
        return Manifest.model_validate(tomllib.loads(file.read_text()))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{file.name}: not a valid manifest: {error}") from error

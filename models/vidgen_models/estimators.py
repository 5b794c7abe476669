"""Networks a user added that see depth or poses in a clip, of which controls are drawn. Loads no torch.

Each is a folder as its authors publish it (`config.json`, `preprocessor_config.json`, `model.safetensors`) that stays
where it is; `estimators/<id>.toml` beside the manifests of models says where, and what its files must be.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from vidgen.errors import ModelError
from vidgen.spec.base import SpecModel
from vidgen.spec.conditioning.control import ControlKind

FOLDER = "estimators"
CONFIG, PREPROCESSOR, WEIGHTS = "config.json", "preprocessor_config.json", "model.safetensors"
EstimatorKind = Literal["depth", "pose"]
NETWORKS: Mapping[str, EstimatorKind] = {
    "DepthAnythingForDepthEstimation": "depth",
    "DPTForDepthEstimation": "depth",
    "VitPoseForPoseEstimation": "pose",
}
"""What each class of transformers that is read here sees."""
DRAWN_WITH: Mapping[ControlKind, EstimatorKind] = {"depth": "depth", "pose": "pose", "face": "pose"}
"""Which estimator a kind of control is drawn with: a face is cut out where a pose has its head."""


class EstimatorManifest(SpecModel):
    """One folder, where it lies and what it must be."""

    id: str
    kind: EstimatorKind
    network: str = Field(description="The class of transformers that it is read as.")
    revision: str
    licence: str = "unknown"
    folder: str = Field(description="Absolute path.")
    files: Mapping[str, str] = Field(description="sha256 of every file, by its name in the folder.")
    seconds_per_megapixel: float = Field(default=2.0, description="Of result, for forecasts; a guess until it is set.")

    @property
    def path(self) -> Path:
        return Path(self.folder)

    @property
    def sha256(self) -> str:
        """Of the weights."""
        return self.files[WEIGHTS]


def read_estimator(file: Path) -> EstimatorManifest:
    """Raises ModelError naming the file when it is not an estimator's manifest."""
    try:
        return EstimatorManifest.model_validate(tomllib.loads(file.read_text()))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{file.name}: not a valid manifest of an estimator: {error}") from error


def by_control(estimators: Iterable[EstimatorManifest]) -> dict[ControlKind, EstimatorManifest]:
    """The estimator that each kind of control is drawn with; of several for one, the last by id."""
    found = {it.kind: it for it in sorted(estimators, key=lambda it: it.id)}
    return {control: found[kind] for control, kind in DRAWN_WITH.items() if kind in found}


def network_named(folder: Path) -> str:
    """The class that a folder's configuration names. Raises ModelError where it is none that is read here."""
    config = json.loads((folder / CONFIG).read_text())
    said = config.get("architectures") if isinstance(config, dict) else None
    names = [name for name in said or () if name in NETWORKS]
    if not names:
        known = ", ".join(NETWORKS)
        raise ModelError(f"{folder.name}: {CONFIG} names {said or 'no network'}; such folders hold one of {known}")
    return str(names[0])

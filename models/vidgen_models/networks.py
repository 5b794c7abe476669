"""Which interpolation and upscaling networks are installed: reads manifests (TOML), never weights. Loads no torch."""

import tomllib
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from vidgen.errors import ModelError
from vidgen.spec.base import SpecModel
from vidgen.spec.conditioning.control import DRAWN_ALWAYS, UNDRAWN, ControlKind
from vidgen.spec.post import DrawControl, Interpolate, PostStep, Restore, Upscale
from vidgen_models.estimators import DRAWN_WITH, EstimatorManifest
from vidgen_models.registry import SHIPPED_MANIFESTS, SHIPPED_WEIGHTS, ModelRegistry

SHIPPED_NETWORKS = SHIPPED_MANIFESTS / "networks"


class NetworkManifest(SpecModel):
    """One installed network for finished frames. A relative `file` lies within the shipped weights."""

    id: str
    kind: Literal["interpolation", "upscaling"]
    name: str
    revision: str
    licence: str
    description: str
    scale: int = Field(default=1, description="How many times larger an upscaling network's result is.")
    file: str
    sha256: str
    seconds_per_megapixel: float = Field(description="Of result, on one CPU core, for forecasts.")

    @property
    def path(self) -> Path:
        return SHIPPED_WEIGHTS / self.file


Estimators = Mapping[ControlKind, EstimatorManifest]


def _none() -> Estimators:
    return {}


class NetworkRegistry:
    """The manifests of the shipped networks and those of further folders, which may replace shipped ones by id.

    `estimators` says which control is drawn with which of the networks that were added for that.
    """

    def __init__(self, *folders: Path, estimators: Callable[[], Estimators] = _none) -> None:
        self._folders, self._estimators = (SHIPPED_NETWORKS, *folders), estimators

    @cached_property
    def manifests(self) -> Mapping[str, NetworkManifest]:
        """All installed networks by id. Raises ModelError naming the file that is not a manifest."""
        found = (_read(file) for folder in self._folders for file in sorted(folder.glob("*.toml")))
        return {manifest.id: manifest for manifest in found}

    def interpolation(self) -> NetworkManifest:
        """The installed interpolation network; of several the one named last by id."""
        return self._chosen([m for m in self.manifests.values() if m.kind == "interpolation"], "interpolation")

    def upscaling(self, scale: int) -> NetworkManifest:
        """The network for `scale`. Raises ModelError naming the scales that there are."""
        networks = [m for m in self.manifests.values() if m.kind == "upscaling"]
        scales = sorted({m.scale for m in networks})
        if scale not in scales:
            raise ModelError(
                f"scale={scale}: no upscaling network for it; installed are {scales}", code="unknown_model"
            )
        return self._chosen([m for m in networks if m.scale == scale], f"upscaling x{scale}")

    def upscaling_passes(self, scale: int) -> tuple[NetworkManifest, ...]:
        """What enlarges `scale` times: the network for it, or for 4 the one for 2 twice. Raises ModelError."""
        if scale == 4 and not any(m.kind == "upscaling" and m.scale == 4 for m in self.manifests.values()):
            return (self.upscaling(2),) * 2
        return (self.upscaling(scale),)

    def estimator(self, kind: ControlKind) -> EstimatorManifest:
        """What draws controls of a kind. Raises ModelError naming what to add, and the kinds that need nothing."""
        found = self._estimators().get(kind)
        if found is None:
            raise ModelError(
                f"kind={kind}: no {DRAWN_WITH[kind]} network is installed; add one with `vidgen models add FOLDER`, "
                f"or draw {', '.join(DRAWN_ALWAYS)}",
                code="unknown_model",
            )
        return found

    def _chosen(self, networks: list[NetworkManifest], wanted: str) -> NetworkManifest:
        if not networks:
            raise ModelError(f"{wanted}: no such network is installed", code="unknown_model")
        return max(networks, key=lambda manifest: manifest.id)


def networks_of(step: PostStep, registry: NetworkRegistry) -> tuple[NetworkManifest | EstimatorManifest, ...]:
    """The networks that do a step, in order; none for most. Raises ModelError where one is not installed."""
    if isinstance(step, DrawControl):
        return (registry.estimator(step.kind),) if step.kind in UNDRAWN else ()
    if isinstance(step, Interpolate):
        return (registry.interpolation(),)
    if isinstance(step, Restore):
        return (registry.upscaling(2),)
    return registry.upscaling_passes(step.factor) if isinstance(step, Upscale) else ()


def networks_beside(models: ModelRegistry) -> NetworkRegistry:
    """Those in the folders `networks` within the folders of the models' manifests, and the estimators there."""
    folders = (folder / "networks" for folder in models.folders)
    return NetworkRegistry(*folders, estimators=lambda: models.drawn_with)


def _read(file: Path) -> NetworkManifest:
    try:
        return NetworkManifest.model_validate(tomllib.loads(file.read_text()))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise ModelError(f"{file.name}: not a valid manifest: {error}") from error

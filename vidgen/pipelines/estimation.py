"""Drawers of the controls that take networks, for whatever is installed; a network is read once a process."""

from functools import partial

import torch

from vidgen.motion.controls.estimated import MAKERS
from vidgen.pipelines.residency import Residency
from vidgen.runtime.control_drawer import ControlDrawer, Drawers
from vidgen.spec.conditioning.control import ControlKind
from vidgen_models.estimator_networks import DepthNetwork, PoseNetwork, load_estimator
from vidgen_models.estimators import EstimatorManifest

READ: dict[tuple[str, str], DepthNetwork | PoseNetwork] = {}
"""By id and revision; the one used last of each kind stays, on the CPU."""


def drawers_of(residency: Residency) -> Drawers:
    """By kind; nothing is read before it is called for. Raises ModelError then, where a folder is not as it was."""
    found = residency.registry.drawn_with
    return {kind: partial(_drawer, kind, manifest, residency.device) for kind, manifest in found.items()}


def _drawer(kind: ControlKind, manifest: EstimatorManifest, device: torch.device) -> ControlDrawer:
    name = manifest.id, manifest.revision
    if name not in READ:
        network = load_estimator(manifest)
        for other in [known for known, it in READ.items() if type(it) is type(network)]:
            del READ[other]
        READ[name] = network
    return MAKERS[kind](READ[name], f"{manifest.id}/{manifest.revision}", device)

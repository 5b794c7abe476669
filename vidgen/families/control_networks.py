"""ControlNets (Zhang et al. 2023, arXiv:2302.05543) of a folder: one, or several, each for a kind of its own.

Several lie as diffusers saves them, in `controlnet`, `controlnet_1`, and so on. Which kind one was trained on no file
says: whoever adds the folder does, in their order.
"""

from collections.abc import Sequence
from typing import Any

import torch
from diffusers import ControlNetModel
from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel

from vidgen.errors import ModelError
from vidgen.families.diffusers_model import pictures
from vidgen.families.folder import ModelFolder
from vidgen.spec.conditioning.control import CONTROL_LIMIT, ControlKind, steps_before
from vidgen.stages.clip_model import ControlClip
from vidgen_models.loading import load_component

COMPONENT = "controlnet"


def network_folders(folder: ModelFolder) -> tuple[str, ...]:
    """Where the networks lie, in their order. Raises ModelError where one lacks weights, or there are too many."""
    if not folder.has(COMPONENT):
        return ()
    found = [COMPONENT]
    while (folder.path / f"{COMPONENT}_{len(found)}").is_dir():
        found.append(f"{COMPONENT}_{len(found)}")
    for name in found:
        if not any((folder.path / name).glob("*.safetensors")):
            raise ModelError(f"{name}: no weights as safetensors in {folder.path.name}; pickles are never read")
    if len(found) > CONTROL_LIMIT:
        raise ModelError(f"{COMPONENT}: {len(found)} networks; {CONTROL_LIMIT} at most are followed at once")
    return tuple(found)


def further_networks(folder: ModelFolder, dtype: torch.dtype) -> list[Any]:
    """All but the first, which is read as every component is. Raises ModelError where one is of another class."""
    names = network_folders(folder)[1:]
    for name in names:
        found = folder.config(name).get("_class_name", "")
        if found != ControlNetModel.__name__:
            raise ModelError(f"{name}: {found} is not the ControlNetModel that stands beside others")
    return [load_component(ControlNetModel, folder.path / name, dtype) for name in names]


def following(
    networks: Sequence[Any], kinds: Sequence[ControlKind], controls: Sequence[ControlClip], steps: int
) -> tuple[Any, dict[str, Any]]:
    """The network, or all that are needed as one, and what a pipeline's call of so many steps is told of the
    controls.

    A control acts at step n of `steps` where start ≤ n / steps < end; the pipelines ask that (n + 1) / steps ≤ end.
    """
    chosen = [networks[kinds.index(control.kind) if len(networks) > 1 else 0] for control in controls]
    told: dict[str, list[Any]] = {
        "conditioning_frames": [pictures(control.frames) for control in controls],
        "controlnet_conditioning_scale": [control.weight for control in controls],
        "control_guidance_start": [control.start for control in controls],
        "control_guidance_end": [steps_before(control.end, steps) / steps for control in controls],
    }
    if len(controls) > 1:
        return MultiControlNetModel(chosen), told
    return chosen[0], {name: value[0] for name, value in told.items()}

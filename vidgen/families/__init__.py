"""One adapter a model family over diffusers: folder in, model out.

An adapter is a class with `describe` (what a folder can do, from its configurations alone) and a constructor that
reads the folder. It is imported when a model of its family is described or read, and no sooner.
"""

import hashlib
import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol

import torch

from vidgen.errors import ModelError
from vidgen.families.description import Description
from vidgen.families.folder import ModelFolder
from vidgen.families.running import run_as
from vidgen.families.several_devices import join
from vidgen.spec import MemoryTier
from vidgen.stages.clip_model import ClipModel
from vidgen.stages.model import VideoModel
from vidgen_models.folder_check import check_folder, check_weights
from vidgen_models.registry import Manifest

FAMILIES: Mapping[str, str] = {
    "wan_vace": "vidgen.families.wan_vace:WanVace",
    "wan": "vidgen.families.wan:Wan",
    "lucy_edit": "vidgen.families.lucy_edit:LucyEdit",
    "wan_animate": "vidgen.families.wan_animate:WanAnimate",
    "ltx": "vidgen.families.ltx:Ltx",
    "ltx2": "vidgen.families.ltx2:Ltx2",
    "cogvideox": "vidgen.families.cogvideox:CogVideoX",
    "animatediff": "vidgen.families.animatediff:AnimateDiff",
    "stable_video_diffusion": "vidgen.families.stable_video_diffusion:StableVideoDiffusion",
    "hunyuan_video": "vidgen.families.hunyuan_video:HunyuanVideo",
    "framepack": "vidgen.families.framepack:FramePack",
    "skyreels": "vidgen.families.skyreels:SkyReels",
    "mochi": "vidgen.families.mochi:Mochi",
    "latte": "vidgen.families.latte:Latte",
}
"""Where each family's adapter is."""

PIPELINES: Mapping[str, str] = {
    "WanVACEPipeline": "wan_vace",
    "WanAnimatePipeline": "wan_animate",
    "LucyEditPipeline": "lucy_edit",
    "WanPipeline": "wan",
    "WanImageToVideoPipeline": "wan",
    "WanVideoToVideoPipeline": "wan",
    "LTXPipeline": "ltx",
    "LTXImageToVideoPipeline": "ltx",
    "LTXConditionPipeline": "ltx",
    "LTX2Pipeline": "ltx2",
    "LTX2ImageToVideoPipeline": "ltx2",
    "LTX2ConditionPipeline": "ltx2",
    "CogVideoXPipeline": "cogvideox",
    "CogVideoXImageToVideoPipeline": "cogvideox",
    "CogVideoXFunControlPipeline": "cogvideox",
    "CogVideoXVideoToVideoPipeline": "cogvideox",
    "AnimateDiffPipeline": "animatediff",
    "AnimateDiffControlNetPipeline": "animatediff",
    "AnimateDiffSparseControlNetPipeline": "animatediff",
    "AnimateDiffVideoToVideoPipeline": "animatediff",
    "StableVideoDiffusionPipeline": "stable_video_diffusion",
    "HunyuanVideoPipeline": "hunyuan_video",
    "HunyuanVideoFramepackPipeline": "framepack",
    "SkyReelsV2DiffusionForcingPipeline": "skyreels",
    "MochiPipeline": "mochi",
    "LattePipeline": "latte",
}
"""The family of a folder, by the pipeline that its index names."""


class Adapter(Protocol):
    """What a family is to those who read models."""

    components: Mapping[str, type | tuple[type, ...]]

    def describe(self, folder: ModelFolder) -> Description: ...

    def __call__(self, *arguments: Any, **named: Any) -> VideoModel | ClipModel: ...


def adapter(family: str) -> Adapter:
    """Raises ModelError naming the families there are."""
    if family not in FAMILIES:
        raise ModelError(f"family={family}: needs an adapter; there are {', '.join(sorted(FAMILIES))}")
    module, _, name = FAMILIES[family].partition(":")
    found: Adapter = getattr(import_module(module), name)
    return found


def family_of(folder: ModelFolder) -> str:
    """Raises ModelError where no adapter reads such a folder."""
    if folder.pipeline not in PIPELINES:
        known = ", ".join(sorted(PIPELINES))
        raise ModelError(
            f"{folder.path.name}: no adapter reads a {folder.pipeline or 'folder of no pipeline'}; {known}"
        )
    return PIPELINES[folder.pipeline]


def load_family(
    manifest: Manifest, device: torch.device, dtype: torch.dtype, tier: MemoryTier = MemoryTier.FULL
) -> VideoModel | ClipModel:
    """Check the model's folder against its manifest, then read it. Raises ModelError before any weight is read."""
    family = adapter(manifest.family)
    check_running(manifest)
    join(manifest.running.devices, device)
    check_folder(manifest.path, manifest.files)
    for single in manifest.single_files:
        check_weights(single.path, single.sha256)
    _check_tasks(manifest, family)
    model: Any = family(
        manifest.path,
        text_length=manifest.text_length,
        device=device,
        dtype=dtype,
        tier=tier,
        weights=_weights(manifest),
        single_files=manifest.replaced,
    )
    run_as(manifest, model, dtype)
    if manifest.running.offload == "layers" and tier is MemoryTier.LOW and device.type != "cpu":
        model.offload_layers()
    made: VideoModel | ClipModel = model
    return made


def check_running(manifest: Manifest) -> None:
    """Raises ModelError naming what the manifest asks of its family that this cannot do."""
    family: Any = adapter(manifest.family)
    if manifest.weights != "own" and manifest.weights not in family.holdable:
        there = ", ".join(["own", *sorted(family.holdable)])
        raise ModelError(f"weights={manifest.weights}: not for {manifest.family}; take {there}")
    if manifest.running.offload == "layers" and not family.moves_layers:
        raise ModelError(
            f"running.offload=layers: not for {manifest.family}, whose networks share weights; networks is"
        )


def _check_tasks(manifest: Manifest, family: Adapter) -> None:
    """A manifest may offer less than its folder can do, never more."""
    offered = family.describe(ModelFolder(manifest.path)).rules.tasks
    for task in manifest.rules.tasks:
        if task not in offered:
            raise ModelError(f"{manifest.id}: its manifest offers {task}, its folder only {', '.join(offered)}")


def _running(manifest: Manifest) -> str:
    """How the model is run, as far as its numbers depend on it."""
    changed = manifest.running.model_dump(exclude_defaults=True, exclude={"offload"})
    return f"{manifest.weights}{changed or ''}"


def _weights(manifest: Manifest) -> str:
    """Names the weights by content, so that chunks made with others are never gone on from."""
    content = json.dumps([manifest.id, manifest.revision, _running(manifest), sorted(manifest.hashes.items())])
    return hashlib.sha256(content.encode()).hexdigest()

"""The receipt: everything that made a clip, enough to make it again and to see whether it is the same."""

import hashlib
import platform
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

import vidgen
from vidgen.media.frames import FrameChunk
from vidgen.media.recall import find_recipe
from vidgen.pipelines.residency import Residency
from vidgen.runtime.context import RunContext
from vidgen.spec import ClipSpec, ProcessVideo, Recipe, media_refs
from vidgen.spec.advanced import AdvancedFields, deployed_id
from vidgen.spec.conditioning.camera_loras import used_loras
from vidgen_models.folder_check import sha256
from vidgen_models.registry import ModelRegistry


class FrameHash:
    """sha256 over the raw frames (before the encoder) as they stream by."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.num_frames = 0

    def through(self, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        """Pass the frames on unchanged."""
        for chunk in chunks:
            self._digest.update(chunk.tobytes())
            self.num_frames += len(chunk)
            yield chunk

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def make_recipe(spec: ClipSpec, registry: ModelRegistry, ctx: RunContext) -> Recipe:
    """What the file itself says of how it was made; sources are told by their hashes, as ids are of one service.

    A clip that is only processed keeps the recipe that it came with.
    """
    processed = isinstance(spec, ProcessVideo)
    return Recipe(
        spec=spec,
        model_revision="" if processed else registry.get(spec.model).revision,
        vidgen=vidgen.__version__,
        media={ref.key: sha256(ctx.media[ref.key]) for ref in media_refs(spec)},
        source=find_recipe(ctx.media[spec.video.key]) if isinstance(spec, ProcessVideo) else None,
    )


class Notes:
    """What a run says of itself while it goes on, by section; each section is a list."""

    def __init__(self) -> None:
        self.sections: dict[str, list[Mapping[str, Any]]] = {}

    def add(self, section: str, entry: Mapping[str, Any]) -> None:
        self.sections.setdefault(section, []).append(entry)

    def of(self, section: str) -> Sequence[Mapping[str, Any]]:
        return self.sections.get(section, ())


def make_receipt(
    spec: ClipSpec,
    residency: Residency,
    generated: FrameHash,
    delivered: FrameHash,
    steps: list[dict[str, Any]],
    notes: Notes,
) -> dict[str, Any]:
    """Spec, model with its file hashes, code and library versions, device, and the hashes of the frames.

    `generated` are the frames before the steps, which `steps` records one by one; `delivered` those that were encoded.
    `chunks` are those of the finished clip: place, window, frames, seed, prompt, take, sha256 of their latents.
    `joints` are the steps at which chunks join, `repairs` every attempt at a chunk whose joint showed, `ended_early`
    says after which chunk the clip was ended, if it was.
    """
    device = residency.device
    manifest = None if isinstance(spec, ProcessVideo) else residency.registry.get(spec.model)
    model = manifest and {
        "id": manifest.id,
        "revision": manifest.revision,
        "files": manifest.hashes,
        **_adapters(spec, residency.registry),
    }
    more = {"generated": _facts(generated), "post": steps} if steps or manifest is None else {}
    return notes.sections | {
        "spec": spec.model_dump(mode="json"),
        "model": model,
        **_estimators(spec, residency.registry),
        **more,
        "frames": _facts(delivered),
        "software": {"vidgen": vidgen.__version__, "torch": torch.__version__, "python": platform.python_version()},
        "device": {"type": device.type, "machine": platform.machine(), "threads": torch.get_num_threads()},
    }


def _adapters(spec: ClipSpec, registry: ModelRegistry) -> dict[str, Any]:
    """Base, adapters and sampler as one id; and the LoRAs that changed the model, by content, where there were any."""
    if isinstance(spec, ProcessVideo):
        return {}
    loras = used_loras(spec, registry.get(spec.model).rules.conditioning)
    advanced = (spec.advanced or AdvancedFields()).model_copy(update={"loras": loras})
    deployed: dict[str, Any] = {"deployed": deployed_id(spec.model, registry.get(spec.model).revision, advanced)}
    words = [{"id": word, "sha256": registry.loras[word].sha256} for word in advanced.embeddings]
    if words:
        deployed |= {"embeddings": words}
    if not advanced.loras:
        return deployed
    used = [{"id": use.id, "weight": use.weight, "sha256": registry.loras[use.id].sha256} for use in advanced.loras]
    return {**deployed, "adapters": used}


def _estimators(spec: ClipSpec, registry: ModelRegistry) -> dict[str, Any]:
    """The networks that drew controls from clips, by content."""
    kinds = () if isinstance(spec, ProcessVideo) else [it.kind for it in spec.controls if not it.drawn]
    found = {kind: registry.drawn_with[kind] for kind in kinds if kind in registry.drawn_with}
    told = [{"kind": kind, "id": it.id, "revision": it.revision, "sha256": it.sha256} for kind, it in found.items()]
    return {"estimators": told} if told else {}


def _facts(frames: FrameHash) -> dict[str, Any]:
    return {"count": frames.num_frames, "sha256": frames.hexdigest()}

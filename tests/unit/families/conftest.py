"""A tiny model of any family, described and registered as `vidgen models add` does it, and a way to render it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.tiny_families.parts import Case
from vidgen.families.installation import Wishes, manifest_for
from vidgen.media.writer import write_video
from vidgen.pipelines import Residency
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.spec import JOB_SPEC, resolve
from vidgen_models.registry import Manifest, ModelRegistry
from vidgen_models.shelf import Shelf

PICTURES = {"upl_image": 40, "upl_last": 90, "upl_other": 200}
CANNY = {"kind": "canny", "video": {"upload_id": "upl_clip"}}
POSE, FACE = ({"kind": kind, "video": {"upload_id": "upl_clip"}, "drawn": True} for kind in ("pose", "face"))
OTHER = {"video": {"upload_id": "upl_later_clip"}}
CHANGES = {
    "control": {"controls": [CANNY | OTHER]},
    "control_weight": {"controls": [CANNY | {"weight": 0.3}]},
    "control_end": {"controls": [CANNY | {"end": 0.4}]},
    "first_control": {"controls": [CANNY]},
    "second_control": {"controls": [CANNY | {"kind": "gray"}]},
    "reference": {"references": [{"image": {"upload_id": "upl_other"}, "kind": "style"}]},
    "someone_else": {"references": [{"image": {"upload_id": "upl_other"}}]},
    "no_reference": {"references": []},
    "no_control": {"controls": []},
    "pose": {"controls": [POSE | OTHER, FACE]},
    "face": {"controls": [POSE, FACE | OTHER]},
    "keyframes": {"keyframes": [{"image": {"upload_id": "upl_other"}, "frame": 0}]},
    "more_keyframes": {"keyframes": [{"image": {"upload_id": "upl_image"}, "frame": n} for n in (0, 5)]},
    "no_keyframes": {"keyframes": []},
    "seed": {"seed": 4},
    "prompt": {"prompt": "the green dog spins slowly"},
    "negative_prompt": {"negative_prompt": "blue"},
    "guidance_scale": {"guidance_scale": 1.0},
    "guided": {"guidance_scale": 5.0},
    "image": {"image": {"upload_id": "upl_other"}},
    "last_image": {"last_image": {"upload_id": "upl_other"}},
    "video": {"video": {"upload_id": "upl_other_clip"}},
    "strength": {"strength": 1.0},
    "fps": {"fps": 20},
    "unipc": {"advanced": {"sampler": "unipc"}},
    "dpmpp-2m-sde": {"advanced": {"sampler": "dpmpp-2m-sde"}},
    "euler-ancestral": {"advanced": {"sampler": "euler-ancestral"}},
    "karras": {"advanced": {"sampler": "dpmpp-2m", "schedule": "karras"}},
    "eta": {"advanced": {"sampler": "ddim", "eta": 1.0}},
    "shift": {"advanced": {"shift": 8.0}},
    "shift_by_size": {"advanced": {"shift_by_size": True}},
    "guidance_rescale": {"advanced": {"guidance_rescale": 1.0}},
    "free_init": {"advanced": {"free_init": 2}},
    "motion_strength": {"motion_strength": 2.0},
    "motion_bucket_id": {"advanced": {"motion_bucket_id": 250}},
    "noise_aug_strength": {"advanced": {"noise_aug_strength": 0.5}},
}


@dataclass
class Tiny:
    """A tiny model, its media, and how to ask it."""

    case: Case
    residency: Residency
    manifests: Path
    media: dict[str, Path]

    @property
    def manifest(self) -> Manifest:
        """As it is registered now."""
        return self.residency.registry.get("tiny-family")

    def spec(self, **changes: Any) -> Any:
        fields: dict[str, Any] = {"seed": 3, "num_inference_steps": 2, **self.case.fields}
        if self.manifest.rules.prompt:
            fields["prompt"] = "a red cat"
        if self.case.task == "image-to-video":
            fields["image"] = {"upload_id": "upl_image"}
        if self.case.task == "video-to-video":
            fields = {"video": {"upload_id": "upl_clip"}, "strength": 0.6} | fields
        if fields.pop("last_image", False):
            fields["last_image"] = {"upload_id": "upl_last"}
        return self.resolved({"task": self.case.task, "model": self.manifest.id, **fields} | changes)

    def resolved(self, fields: dict[str, Any]) -> Any:
        return resolve(JOB_SPEC.validate_python(fields), self.manifest.rules)

    def frames(self, ctx: RunContext | None = None, **changes: Any) -> np.ndarray:
        spec, ctx = self.spec(**changes), ctx or RunContext(media=self.media)
        model = self.residency.model(self.manifest.id)
        with torch.inference_mode():
            return np.concatenate(list(pipeline_for(spec.task, model)(spec, ctx)))


def add(folder: Path, manifests: Path, follows: tuple[Any, ...] = ()) -> None:
    """As `vidgen models add` does it, with a text length that suits tiny encoders."""
    manifest = manifest_for(folder, Wishes(model_id="tiny-family", controls=follows))
    shorter = manifest.model_copy(update={"text_length": min(manifest.text_length, 16)})
    Shelf(manifests).put(shorter)


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three pictures and two clips, as an upload leaves them."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("media")
    found = {}
    for key, shade in PICTURES.items():
        found[key] = folder / f"{key}.png"
        picture = np.full((32, 32, 3), shade, np.uint8)
        picture[8:20, 4:16] = (230, 120, 40)
        Image.fromarray(picture).save(found[key])
    for key, shade in {"upl_clip": 40, "upl_other_clip": 200}.items():
        frames = np.full((72, 32, 32, 3), shade, np.uint8)
        for number in range(72):
            frames[number, 8:24, number // 4 : number // 4 + 12] = (230, 120, 40)
        found[key] = write_video([frames], folder / f"{key}.mp4", fps=30).path
    later = np.full((72, 32, 32, 3), 40, np.uint8)
    later[:, 2:10, 20:30] = (60, 220, 90)
    found["upl_later_clip"] = write_video([later], folder / "later.mp4", fps=30).path
    return found


@pytest.fixture(scope="session")
def tiny_of(tmp_path_factory: pytest.TempPathFactory, media: dict[str, Path]) -> Iterator[Callable[[Case], Tiny]]:
    """Adds each case's folder once; its networks are read anew by whoever asks first."""
    made: dict[str, Tiny] = {}

    def tiny(case: Case) -> Tiny:
        if case.name not in made:
            folder = tmp_path_factory.mktemp(case.name)
            shelf = folder / "manifests"
            add(case.build(folder / "model"), shelf, case.follows)
            made[case.name] = Tiny(case, Residency(ModelRegistry(shelf)), shelf, media)
            torch.set_num_threads(1)  # what is tiny is slower on more
        return made[case.name]

    yield tiny
    made.clear()


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Mean difference of two clips, in grey levels."""
    return float(np.abs(a.astype(float) - b.astype(float)).mean())

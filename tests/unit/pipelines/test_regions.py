"""Regions: where they lie on the latents' grid, what is refused, and that chunks know them."""

import numpy as np
import pytest
import torch
from PIL import Image

from vidgen.errors import SpecError
from vidgen.pipelines import Residency
from vidgen.pipelines.factory import pipeline_for
from vidgen.pipelines.long_video import settings_of
from vidgen.pipelines.regions import text_parts
from vidgen.runtime.context import RunContext
from vidgen.spec import TextToVideo, resolve

TOP = {"left": 0, "top": 0, "right": 1, "bottom": 0.5}


@pytest.fixture(scope="module")
def residency(tiny_registry) -> Residency:
    return Residency(tiny_registry)


def spec_of(residency: Residency, *regions: dict, **fields) -> TextToVideo:
    asked = {"model": "tiny", "prompt": "a red cat", "seed": 3, "num_inference_steps": 2, "num_frames": 5} | fields
    spec = TextToVideo(**asked, regions=[{"prompt": "the green dog", **region} for region in regions])
    return resolve(spec, residency.registry.get("tiny").rules)


def frames_of(residency: Residency, spec: TextToVideo, **media) -> np.ndarray:
    with torch.inference_mode():
        return np.concatenate(list(pipeline_for(spec.task, residency.model("tiny"))(spec, RunContext(media=media))))


def test_boxes_and_masks_lie_where_they_are_painted(residency, tmp_path):
    """Fails when rows and columns are exchanged: tried."""
    mask = np.zeros((32, 32), np.uint8)
    mask[:, 16:] = 255
    Image.fromarray(mask).convert("RGB").save(tmp_path / "mask.png")
    painted = {"media": {"upload_id": "upl_mask"}, "feather": 0}
    spec = spec_of(residency, {"box": TOP, "feather": 0}, painted, {"box": TOP, "weight": 0.5, "feather": 0.25})
    context = RunContext(media={"upl_mask": tmp_path / "mask.png"})
    top, right, soft = (part.weights[0, 0, 0] for part in text_parts(residency.model("tiny"), spec, context))
    side = top.shape[0]
    assert top[: side // 2].min() == 1
    assert top[side // 2 :].max() == 0
    assert right[:, : side // 2].max() == 0
    assert right[:, side // 2 :].min() > 0.99
    assert float(soft[0, 0]) == pytest.approx(0.5)
    assert 0 < float(soft[side // 2 - 1, 0]) < 0.5


def test_a_region_changes_the_frames_and_later_ones_lie_on_top(residency):
    everywhere = {"box": {"left": 0, "top": 0, "right": 1, "bottom": 1}}
    plain = frames_of(residency, spec_of(residency))
    covered = frames_of(residency, spec_of(residency, everywhere))
    assert (plain != covered).any()
    assert np.array_equal(
        covered, frames_of(residency, spec_of(residency, {**everywhere, "prompt": "blue"}, everywhere))
    )
    other = frames_of(residency, spec_of(residency, prompt="the green dog"))
    assert np.abs(covered.astype(int) - other.astype(int)).max() <= 1


def test_without_guidance_a_region_is_one_pass_more(residency, monkeypatch):
    model, seen = residency.model("tiny"), []
    velocity = type(model).velocity
    monkeypatch.setattr(type(model), "velocity", lambda *a: seen.append(a[1].shape[0]) or velocity(*a))
    frames_of(residency, spec_of(residency, {"box": TOP}, guidance_scale=1.0))
    frames_of(residency, spec_of(residency, {"box": TOP}))
    assert seen == [1, 1, 1, 1, 2, 2, 2, 2]


def test_chunks_with_other_regions_are_never_gone_on_from(residency):
    """Fails when what all chunks share does not name the regions: tried."""
    names = {
        settings_of(spec_of(residency, *regions)).regions for regions in ((), ({"box": TOP},), 2 * ({"box": TOP},))
    }
    assert len(names) == 3


@pytest.mark.parametrize(
    ("region", "field"),
    [
        ({}, "regions.0"),
        ({"box": TOP, "media": {"upload_id": "upl_mask"}}, "regions.0"),
        ({"box": {**TOP, "bottom": 0}}, "regions.0.box"),
        ({"box": TOP, "prompt": "a (dog:9)"}, "regions.0.prompt"),
    ],
)
def test_what_has_no_place_is_refused_by_name(residency, region, field):
    with pytest.raises(SpecError) as refused:
        spec_of(residency, region)
    assert refused.value.field == field


def test_a_model_with_one_prompt_refuses_regions(residency):
    rules = residency.registry.get("tiny").rules.model_copy(update={"regions": False})
    with pytest.raises(SpecError, match="regions: tiny takes one prompt for the whole frame"):
        resolve(TextToVideo(model="tiny", regions=[{"prompt": "a dog", "box": TOP}]), rules)

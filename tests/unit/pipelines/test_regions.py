"""Regions: where they lie on the latents' grid, what is refused, and that chunks know them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vidgen.errors import SpecError
from vidgen.longvideo.plan_of_spec import chunks_of
from vidgen.media.writer import write_video
from vidgen.pipelines import Residency
from vidgen.pipelines.factory import pipeline_for
from vidgen.pipelines.long_video import settings_of
from vidgen.pipelines.regions import text_parts
from vidgen.runtime.context import RunContext
from vidgen.runtime.verdict import PREDICTIONS, Verdict, together
from vidgen.spec import JOB_SPEC, TextToVideo, resolve
from vidgen.stages.encode_text import TextEmbeddings

TOP = {"left": 0, "top": 0, "right": 1, "bottom": 0.5}
MOST = TOP | {"bottom": 0.75}


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
    top, right, soft = (
        part.weight * part.weights[0, 0, 0] for part in text_parts(residency.model("tiny"), spec, context)
    )
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


@pytest.fixture(scope="module")
def wandering(tmp_path_factory) -> Path:
    """A mask that is the left half for five frames, then the right one for twelve."""
    frames = np.zeros((17, 32, 32, 3), np.uint8)
    frames[:5, :, :16], frames[5:, :, 16:] = 255, 255
    return write_video([frames], tmp_path_factory.mktemp("masks") / "mask.mp4", fps=8, crf=1).path


def test_a_mask_clip_is_followed_from_group_to_group(residency, wandering):
    """In every window its own frames, behind the frames of references. Fails when a window begins anew: tried."""
    spec = spec_of(residency, {"media": {"upload_id": "upl_mask"}, "feather": 0}, num_frames=13, fps=8)
    context = RunContext(media={"upl_mask": wandering})
    (part,) = text_parts(residency.model("tiny"), spec, context)
    text = TextEmbeddings(part.text.positive, None, (part,))

    def left(start: int, stop: int, lead: int = 0) -> list[float]:
        (within,) = text.within(0, start, stop, lead).parts
        return [round(float(it)) for it in within.weights[0, 0, :, 0, 0]]

    assert left(0, 4) == [1, 1, 0, 0]
    assert left(1, 4, lead=2) == [0, 0, 1, 0, 0]
    assert left(2, 4) == [0, 0]
    (later,) = text_parts(residency.model("tiny"), spec, context, clock=[-3])
    assert later.over_time is not None
    assert [round(float(it)) for it in later.over_time(0, 0, 4)[0, 0, :, 0, 0]] == [1, 1, 1, 0]
    short = spec_of(residency, {"media": {"upload_id": "upl_mask"}}, num_frames=21, fps=8)
    with pytest.raises(SpecError, match=r"regions\.0\.media: the clip holds 17 frames"):
        text_parts(residency.model("tiny"), short, context)


def test_a_mask_clip_gives_other_frames_than_its_first_picture(residency, wandering):
    asked = {"num_frames": 9, "fps": 8, "num_inference_steps": 1}
    moving = spec_of(residency, {"media": {"upload_id": "upl_mask"}}, **asked)
    still = spec_of(residency, {"media": {"upload_id": "upl_mask", "frame": 0}}, **asked)
    assert (frames_of(residency, moving, upl_mask=wandering) != frames_of(residency, still, upl_mask=wandering)).any()


def test_without_guidance_a_region_is_one_pass_more(residency, monkeypatch):
    model, seen = residency.model("tiny"), []
    velocity = type(model).velocity
    monkeypatch.setattr(type(model), "velocity", lambda *a: seen.append(a[1].shape[0]) or velocity(*a))
    frames_of(residency, spec_of(residency, {"box": TOP}, guidance_scale=1.0))
    frames_of(residency, spec_of(residency, {"box": TOP}))
    assert seen == [1, 1, 1, 1, 2, 2, 2, 2]


def test_the_model_is_asked_of_three_windows_at_most_and_asking_changes_nothing(residency, monkeypatch):
    """Four predictions a prompt and window. Fails when every window is looked at: tried."""
    model, seen, said = residency.model("tiny"), [], list[Verdict]()
    spec = spec_of(residency, {"box": TOP}, num_frames=61, num_inference_steps=1, guidance_scale=1.0)
    silent = frames_of(residency, spec)
    velocity = type(model).velocity
    monkeypatch.setattr(type(model), "velocity", lambda *a: seen.append(a[1].shape[0]) or velocity(*a))
    with torch.inference_mode():
        recipe = pipeline_for(spec.task, model)
        told = np.concatenate(list(recipe(spec, RunContext(on_verdict=said.append))))
    assert np.array_equal(told, silent)
    assert [it.field for it in said] == 3 * ["regions.0"]
    windows = chunks_of(spec, residency.registry.get("tiny").rules)
    assert windows > 3
    assert len(seen) == 2 * windows + 3 * 2 * PREDICTIONS
    whole = together(said)["regions.0"]
    assert whole.inside.own == pytest.approx(sum(it.inside.own for it in said))
    assert -1 < whole.inside.preference < 1


@pytest.mark.parametrize(
    "fields",
    [
        {"num_frames": 45, "long": {"mode": "co_denoise"}},
        {"num_frames": 48, "long": {"loop": True}},
        {"task": "extend-video", "video": {"upload_id": "upl_mask"}, "num_frames": 16},
        {"task": "video-to-video", "video": {"upload_id": "upl_mask"}, "num_frames": 9, "mask": {"box": MOST}},
        {"num_frames": 9, "references": [{"image": {"upload_id": "upl_mask", "frame": 0}}]},
    ],
    ids=["co-denoise", "loop", "extension", "mask", "reference"],
)
def test_the_model_is_asked_whatever_the_task_is(residency, wandering, fields):
    asked = {"task": "text-to-video", "model": "tiny", "prompt": "x", "num_inference_steps": 1, "seed": 1, "fps": 8}
    region = {"box": TOP, "prompt": "the green dog"}
    spec = JOB_SPEC.validate_python(asked | {"width": 32, "height": 32, "regions": [region]} | fields)
    spec, said = resolve(spec, residency.registry.get("tiny").rules), list[Verdict]()
    context = RunContext(media={"upl_mask": wandering}, on_verdict=said.append)
    with torch.inference_mode():
        list(pipeline_for(spec.task, residency.model("tiny"))(spec, context))
    assert 1 <= len(said) <= 3
    assert all(it.inside.own > 0 < it.outside.own for it in said)


def test_what_a_mask_keeps_of_its_source_is_nobodys_work(residency, wandering):
    """A region that is all of the mask has no elsewhere. Fails when the source's places are judged, too: tried."""
    said = list[Verdict]()
    asked = {"task": "video-to-video", "model": "tiny", "prompt": "x", "num_inference_steps": 1, "seed": 1, "fps": 8}
    asked |= {"video": {"upload_id": "upl_mask"}, "width": 32, "height": 32, "num_frames": 9, "mask": {"box": TOP}}
    spec = JOB_SPEC.validate_python(asked | {"regions": [{"box": TOP, "prompt": "the green dog"}]})
    spec = resolve(spec, residency.registry.get("tiny").rules)
    with torch.inference_mode():
        context = RunContext(media={"upl_mask": wandering}, on_verdict=said.append)
        list(pipeline_for(spec.task, residency.model("tiny"))(spec, context))
    assert [(it.inside.own > 0, it.outside.own) for it in said] == [(True, 0)]


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

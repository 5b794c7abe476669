"""Resolving a spec: defaults, rules, and errors that name the field, the rule and the nearest valid value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vidgen.errors import SpecError
from vidgen.spec import (
    JOB_SPEC,
    FrameRule,
    ImageToVideo,
    MediaRef,
    TextToVideo,
    VideoToVideo,
    media_refs,
    nearest_frame_counts,
    resolve,
)
from vidgen_models.registry import ModelRegistry

RULES = ModelRegistry().get("sprites-64").rules
CLIP = MediaRef(artifact_id="art_1")


def test_empty_fields_become_the_models_defaults():
    spec = resolve(TextToVideo(prompt="a cat"), RULES)
    assert (spec.width, spec.height, spec.num_frames, spec.fps) == (64, 64, 17, 8)
    assert spec.num_inference_steps == RULES.steps.default
    assert spec.guidance_scale == RULES.guidance.default


def test_resolving_twice_changes_nothing():
    spec = resolve(TextToVideo(prompt="a cat"), RULES)
    assert resolve(spec, RULES) == spec


def test_a_seed_of_minus_one_is_drawn_and_recorded():
    seeds = {resolve(TextToVideo(prompt="a cat", seed=-1), RULES).seed for _ in range(8)}
    assert len(seeds) == 8
    assert min(seeds) >= 0
    assert resolve(TextToVideo(prompt="a cat", seed=5), RULES).seed == 5


def test_twenty_frames_are_refused_with_the_two_nearest_counts():
    with pytest.raises(SpecError, match=r"num_frames=20: .*4k\+1.*nearest are 17 and 21") as caught:
        resolve(TextToVideo(num_frames=20), RULES)
    assert caught.value.field == "num_frames"


@pytest.mark.parametrize(
    ("field", "value", "nearest"),
    [
        ("width", 70, "64"),
        ("height", 1000, "64"),
        ("num_inference_steps", 0, "1"),
        ("num_inference_steps", 1000, "100"),
        ("guidance_scale", 99.0, "8.0"),
        ("guidance_scale", float("nan"), "1.0"),
    ],
)
def test_numbers_outside_the_rule_name_the_nearest_valid_one(field, value, nearest):
    with pytest.raises(SpecError, match=f"{field}=.*nearest is {nearest}") as caught:
        resolve(TextToVideo(**{field: value}), RULES)
    assert caught.value.field == field


def test_strength_outside_0_to_1_is_refused():
    with pytest.raises(SpecError, match=r"nearest is 1\.0"):
        resolve(VideoToVideo(video=CLIP, strength=1.5), RULES)


def test_a_task_the_model_lacks_is_refused():
    rules = RULES.model_copy(update={"tasks": ("text-to-video",)})
    with pytest.raises(SpecError, match="offers text-to-video") as caught:
        resolve(ImageToVideo(image=CLIP), rules)
    assert caught.value.code == "unsupported_task"


def test_a_single_frame_of_a_restyles_source_is_refused():
    with pytest.raises(SpecError, match="takes the whole clip") as caught:
        resolve(VideoToVideo(video=CLIP.model_copy(update={"frame": 3})), RULES)
    assert caught.value.field == "video.frame"


def test_the_default_length_fits_a_short_source():
    spec = resolve(VideoToVideo(video=CLIP), RULES, source_seconds=11 / 8)
    assert spec.num_frames == 9


def test_a_length_beyond_the_source_is_refused():
    with pytest.raises(SpecError, match="holds 11 frames; nearest is 9"):
        resolve(VideoToVideo(video=CLIP, num_frames=13), RULES, source_seconds=11 / 8)
    with pytest.raises(SpecError, match="holds 3 frames; at least 5"):
        resolve(VideoToVideo(video=CLIP), RULES, source_seconds=3 / 8)


@given(count=st.integers(-10, 500), low=st.integers(1, 9), step=st.integers(1, 8), spread=st.integers(0, 100))
def test_nearest_counts_are_valid_and_none_lies_nearer(count, low, step, spread):
    rule = FrameRule(min=low, max=low + spread, step=step, default=low)
    valid = list(range(rule.min, rule.max + 1, rule.step))
    nearest = nearest_frame_counts(count, rule)
    assert set(nearest) <= set(valid)
    assert min(abs(count - value) for value in nearest) == min(abs(count - value) for value in valid)


def test_unknown_fields_and_tasks_are_errors():
    with pytest.raises(ValidationError, match="promt"):
        JOB_SPEC.validate_python({"task": "text-to-video", "promt": "a cat"})
    with pytest.raises(ValidationError, match="task"):
        JOB_SPEC.validate_python({"task": "text-to-opera"})


@pytest.mark.parametrize("ref", [{}, {"upload_id": "upl_1", "artifact_id": "art_1"}, {"upload_id": "../etc/passwd"}])
def test_a_reference_names_exactly_one_source_and_never_a_path(ref):
    with pytest.raises(ValidationError):
        MediaRef(**ref)


def test_media_refs_finds_every_reference():
    assert media_refs(VideoToVideo(video=CLIP)) == (CLIP,)
    assert media_refs(TextToVideo()) == ()

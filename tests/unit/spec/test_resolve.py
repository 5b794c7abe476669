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
    LongFields,
    MediaRef,
    Segment,
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


def test_a_clip_of_one_window_says_nothing_of_long_clips():
    assert resolve(TextToVideo(num_frames=25), RULES).long is None


def test_a_clip_beyond_the_window_gets_the_models_way_of_going_on():
    spec = resolve(TextToVideo(num_frames=29), RULES)
    sizes = {"overlap": 8, "window": 20, "opening": 25}
    assert spec.long == LongFields(mode="chain", **sizes, anchor=0.25, condition_noise=0.03, rerolls=1)
    assert resolve(spec, RULES) == spec


@pytest.mark.parametrize(("seconds", "frames"), [(60, 481), (2.1, 17), (0.7, 5), (3.4, 29)])
def test_seconds_become_the_nearest_valid_number_of_frames(seconds, frames):
    spec = resolve(TextToVideo(seconds=seconds), RULES)
    assert (spec.num_frames, spec.seconds) == (frames, None)


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"seconds": 500}, "seconds", "nearest is 120.125"),
        ({"seconds": 4, "num_frames": 33}, "seconds", "give one of"),
        ({"num_frames": 964}, "num_frames", "nearest is 961"),
        ({"num_frames": 17, "long": LongFields(overlap=8)}, "long", "more than 25"),
        ({"num_frames": 33, "long": LongFields(overlap=6)}, "long.overlap", "nearest: 4 and 8"),
        ({"num_frames": 33, "long": LongFields(overlap=99)}, "long.overlap", "nearest: 12"),
        ({"num_frames": 33, "long": LongFields(window=24)}, "long.window", "this model has 20"),
        ({"segments": (Segment(prompt="a"),)}, "segments.0", "give frames or seconds"),
        ({"segments": (Segment(seconds=900),)}, "segments.0.seconds", "nearest is 120.125"),
        ({"segments": (Segment(frames=17, seconds=2),)}, "segments.0", "give frames or seconds"),
        ({"segments": (Segment(frames=18),)}, "segments.0.frames", r"4k\+1 from 5 to 961; nearest: 17 and 21"),
        (
            {"segments": (Segment(frames=17), Segment(frames=17))},
            "segments.1.frames",
            "4k from 8 .* nearest: 16 and 20",
        ),
        ({"segments": (Segment(frames=17), Segment(frames=4))}, "segments.1.frames", "nearest: 8"),
        ({"segments": (Segment(frames=17),), "num_frames": 21}, "num_frames", "the segments have 17 frames"),
        ({"segments": (Segment(frames=901), Segment(frames=900))}, "segments", "at most 961"),
    ],
    ids=str,
)
def test_what_cannot_be_a_long_clip_is_refused_by_field_and_rule(fields, field, message):
    with pytest.raises(SpecError, match=message) as caught:
        resolve(TextToVideo(**fields), RULES)
    assert caught.value.field == field


def test_segments_make_up_the_clip():
    segments = (Segment(prompt="a", seconds=2), Segment(prompt="b", seconds=1.4), Segment(frames=9, cut=True))
    spec = resolve(TextToVideo(segments=segments), RULES)
    assert [segment.frames for segment in spec.segments] == [17, 12, 9]
    assert spec.num_frames == 38
    assert resolve(spec, RULES) == spec


def test_a_restyle_has_no_cuts_of_its_own():
    segments = (Segment(frames=17), Segment(frames=17, cut=True))
    with pytest.raises(SpecError, match="follows its source") as caught:
        resolve(VideoToVideo(video=CLIP, segments=segments), RULES)
    assert caught.value.field == "segments.1.cut"


def test_a_model_without_a_way_to_go_on_refuses_longer_clips():
    rules = RULES.model_copy(update={"long": None})
    with pytest.raises(SpecError, match="from 5 to 25; nearest is 25"):
        resolve(TextToVideo(num_frames=29), rules)
    with pytest.raises(SpecError, match="single windows only"):
        resolve(TextToVideo(segments=(Segment(frames=17),)), rules)


def test_a_long_clip_takes_the_memory_of_its_longest_chunk():
    assert resolve(TextToVideo(num_frames=481), RULES).frames_in_memory == 25
    assert resolve(TextToVideo(num_frames=9), RULES).frames_in_memory == 9

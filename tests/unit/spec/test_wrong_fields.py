"""What is wrong with a request: by the names that people wrote, in words, with the nearest valid value."""

import pytest
from pydantic import Field, ValidationError

from vidgen.spec import JOB_SPEC
from vidgen.spec.base import SpecModel
from vidgen.spec.wrong_fields import SAYINGS, WrongField, wrong_fields

CLIP = {"upload_id": "upl_x"}
POINT = {"x": 0.5, "y": 0.5}
AXES = "static, pan-left, pan-right, tilt-up"


def wrong(task: str = "text-to-video", **fields: object) -> tuple[WrongField, ...]:
    with pytest.raises(ValidationError) as caught:
        JOB_SPEC.validate_python({"task": task, **fields})
    return wrong_fields(caught.value)


@pytest.mark.parametrize(
    ("fields", "name", "message", "nearest"),
    [
        ({"camera": {"pan": 11}}, "camera.pan", "may be at most 10", 10),
        ({"controls": [{"kind": "canny", "video": CLIP, "weight": 3}]}, "controls.0.weight", "may be at most 2", 2),
        ({"motion_strength": 3}, "motion_strength", "may be at most 2", 2),
        ({"advanced": {"shift": -1}}, "advanced.shift", "must be at least 0.1", 0.1),
        ({"seed": -2}, "seed", "must be at least -1", -1),
        ({"seed": 2**63}, "seed", f"must be less than {2**63}", 2**63 - 1),
        ({"fps": 24.4}, "fps", "give a whole number", 24),
        ({"camera": {"preset": "pan-rigth"}}, "camera.preset", "choose one of static, pan-left, ", "pan-right"),
        ({"controls": [{"kind": "cany", "video": CLIP}]}, "controls.0.kind", "choose one of canny, soft-edge", "canny"),
        ({"advanced": {"sampler": "eulr"}}, "advanced.sampler", "choose one of ddim", "euler"),
        ({"post": [{"step": "upscal"}]}, "post.0.step", "choose one of interpolate, upscale", "upscale"),
        ({"post": [{"step": "interpolate", "factor": 7}]}, "post.0.factor", "choose one of 2, 4, 8", 8),
        ({"widht": 64}, "widht", "this field is not known; nearest is width", "width"),
        ({"steps": 8}, "steps", "this field is not known; nearest is num_infer", "num_inference_steps"),
        ({"camera": {"panx": 3}}, "camera.panx", "this field is not known; nearest is pan", "pan"),
        ({"post": [{"step": "sharpen", "amout": 1}]}, "post.0.amout", "this field is not known; ", "amount"),
    ],
)
def test_a_rule_that_is_broken_is_told_with_the_nearest_valid_value(fields, name, message, nearest):
    """Fails when what pydantic says is passed on: seen before it was mended."""
    (found,) = wrong(**fields)
    assert found.field == name
    assert found.message.startswith(message)
    assert found.nearest == (nearest,)


@pytest.mark.parametrize(
    ("fields", "name", "message"),
    [
        ({"colour": 1}, "colour", "this field is not known"),
        ({"camera": {"preset": "upside"}}, "camera.preset", f"choose one of {AXES}"),
        ({"width": "wide"}, "width", "give a whole number"),
        ({"segments": "x"}, "segments", "give a list"),
        ({"camera": 3}, "camera", "give an object"),
        ({"prompt": 3}, "prompt", "give a text"),
        ({"post": [{}]}, "post.0.step", "must be given"),
        ({"prompt": "x" * 2001}, "prompt", "may have at most 2000 characters"),
        ({"model": "A B"}, "model", "must have the form ^"),
        ({"image": {}, "task": "image-to-video"}, "image", "give exactly one of upload_id and artifact_id"),
    ],
)
def test_other_rules_are_told_in_words(fields, name, message):
    (found,) = wrong(**fields)
    assert found.field == name
    assert found.message.startswith(message)
    assert found.nearest == ()


@pytest.mark.parametrize(
    ("task", "fields", "name", "message"),
    [
        ("image-to-video", {"image": CLIP, "video": CLIP}, "video",
         "belongs to video-to-video, extend-video and process-video, and image to image-to-video; give one of them"),
        ("text-to-video", {"strength": 0.5}, "strength",
         "belongs to video-to-video; give the clip as video, or leave it out"),
        ("text-to-video", {"last_image": CLIP}, "last_image",
         "belongs to image-to-video; give a picture as image, or leave it out"),
        ("text-to-video", {"from_frame": 3}, "from_frame",
         "belongs to extend-video; give direction and the clip as video, or leave it out"),
        ("text-to-video", {"image": CLIP}, "image", "belongs to image-to-video; leave out the task, or this"),
        ("process-video", {"video": CLIP, "prompt": "a cat"}, "prompt",
         "does not belong to process-video; leave it out"),
    ],
)  # fmt: skip
def test_a_field_of_another_task_is_told_with_that_task(task, fields, name, message):
    """Fails when such a field is one that is not known: seen before it was mended."""
    (found,) = wrong(task, **fields)
    assert (found.field, found.message) == (name, message)


def test_one_fault_is_one_error():
    """Fails when a list that lost its faulty item is too short as well: seen before it was mended."""
    (found,) = wrong(trajectories=[{"points": [{"x": 9, "y": 0}, POINT]}])
    assert (found.field, found.nearest) == ("trajectories.0.points.0.x", (2,))
    (found,) = wrong(trajectories=[{"points": [POINT]}])
    assert found.message == "give at least 2, not 1"


def test_a_model_of_its_own_is_read_by_its_own_fields():
    class Asked(SpecModel):
        colour: str = Field(min_length=3)

    with pytest.raises(ValidationError) as caught:
        Asked.model_validate({"color": "red", "colour": "a"})
    short, unknown = wrong_fields(caught.value, Asked)
    assert (short.message, unknown.nearest) == ("must have 3 characters at least", ("colour",))


def test_every_saying_can_be_filled():
    values = dict.fromkeys(("gt", "ge", "lt", "le", "min_length", "max_length", "actual_length", "pattern"), 1)
    assert all("{" not in saying.format(**values) for saying in SAYINGS.values())

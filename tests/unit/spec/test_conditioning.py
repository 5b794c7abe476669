"""Conditioning items in a spec: filled from the model's rules, and refused by the name of the field."""

import pytest
from pydantic import ValidationError

from vidgen.errors import SpecError
from vidgen.spec import (
    JOB_SPEC,
    Camera,
    ConditioningRules,
    ImageToVideo,
    MediaRef,
    TextToVideo,
    VideoToVideo,
    named_media,
    resolve,
)
from vidgen.spec.conditioning.camera_words import by_time, said_moves, worded
from vidgen_models.registry import ModelRegistry

PLAIN = ModelRegistry().get("sprites-64").rules.model_copy(update={"conditioning": ConditioningRules()})
WILLING = PLAIN.model_copy(
    update={
        "conditioning": ConditioningRules(
            controls=("canny", "flow", "layout"),
            control_weight=0.8,
            mask=True,
            references=1,
            camera="flow",
            camera_axes=("pan", "tilt", "zoom", "roll"),
            trajectories="layout",
            brush=True,
            motion_strength="flow",
            ends=True,
            flow_full=0.1,
        )
    }
)
CLIP = {"upload_id": "upl_a"}
STILL = {"points": [{"x": 0, "y": 0, "at": 0.5}, {"x": 1, "y": 0, "at": 0.5}]}
PATH = {"points": [{"x": 0.2, "y": 0.5}, {"x": 0.8, "y": 0.5}]}
ITEMS = {
    "mask": {"box": {"left": 0.2, "top": 0.2, "right": 0.8, "bottom": 0.8}},
    "outpaint": {"left": 0.5},
    "controls": [{"kind": "canny", "video": CLIP}],
    "references": [{"image": CLIP}],
    "camera": {"preset": "pan-left"},
    "trajectories": [PATH],
    "brushes": [{"media": CLIP, **PATH}],
    "motion_strength": 1.5,
    "prefix": {"video": CLIP},
    "suffix": {"video": CLIP},
}


def asked(**fields):
    task = "video-to-video" if {"mask", "outpaint", "video"} & fields.keys() else "text-to-video"
    more = {"video": CLIP} if task == "video-to-video" else {}
    return JOB_SPEC.validate_python({"task": task, **more, **fields})


@pytest.mark.parametrize("name", ITEMS)
def test_a_model_that_takes_none_of_it_refuses_each_by_name(name):
    """Fails when the check of offers is left out: tried."""
    with pytest.raises(SpecError) as caught:
        resolve(asked(**{name: ITEMS[name]}), PLAIN)
    assert caught.value.field == name
    more = {"camera": {"pan": 1}} if name == "motion_strength" else {}
    resolve(asked(**{name: ITEMS[name]}, **more), WILLING)


@pytest.mark.parametrize("name", ITEMS)
def test_resolving_again_changes_nothing(name):
    more = {"camera": {"pan": 1}} if name == "motion_strength" else {}
    spec = resolve(asked(**{name: ITEMS[name]}, **more), WILLING)
    assert resolve(spec, WILLING) == spec
    assert JOB_SPEC.validate_json(spec.model_dump_json()) == spec


def test_what_is_left_out_is_filled_in():
    spec = resolve(asked(controls=ITEMS["controls"], prefix={"video": CLIP}, suffix={"video": CLIP}), WILLING)
    assert spec.controls[0].weight == 0.8
    assert (spec.prefix.frames, spec.suffix.frames) == (5, 4)
    path = [{"x": 0, "y": 0}, {"x": 0.5, "y": 0}, {"x": 1, "y": 0}, {"x": 0, "y": 1, "at": 0.6}, {"x": 0, "y": 0}]
    (found,) = resolve(asked(trajectories=[{"points": path}]), WILLING).trajectories
    assert [point.at for point in found.points] == pytest.approx([0, 0.2, 0.4, 0.6, 1])
    assert (found.width, found.height) == (0.4, 0.4)
    assert resolve(asked(mask=ITEMS["mask"]), WILLING).strength == 1.0


def test_a_path_goes_straight_between_its_points():
    """Fails when places are not weighted by time: tried."""
    points = [{"x": 0, "y": 0}, {"x": 1, "y": 0.5, "at": 0.25}, {"x": 0, "y": 0}]
    (path,) = resolve(asked(trajectories=[{"points": points}]), WILLING).trajectories
    assert path.place(0.125) == pytest.approx((0.5, 0.25))
    assert path.place(0.25) == pytest.approx((1, 0.5))
    assert path.place(0.625) == pytest.approx((0.5, 0.25))
    assert path.place(2) == (0, 0)


def test_a_preset_becomes_speeds_and_keys_change_evenly():
    camera = resolve(asked(camera={"preset": "zoom-out"}), WILLING).camera
    assert camera == Camera(zoom=-3)
    keys = resolve(asked(camera={"keys": [{"at": 0.2, "pan": 2}, {"at": 0.6, "pan": -6}]}), WILLING).camera
    assert [keys.at(share)["pan"] for share in (0, 0.2, 0.3, 0.6, 1)] == pytest.approx([2, 2, 0, -6, -6])
    assert keys.axes() == ("pan",)


@pytest.mark.parametrize(
    ("fields", "field", "nearest"),
    [
        ({"controls": [{"kind": "pose", "video": CLIP}]}, "controls.0.kind", ()),
        ({"controls": 3 * ITEMS["controls"]}, "controls", (2,)),
        ({"controls": [{**ITEMS["controls"][0], "start": 0.5, "end": 0.5}]}, "controls.0.end", ()),
        ({"controls": [{**ITEMS["controls"][0], "start": 0.97}]}, "controls.0.start", (0.875,)),
        ({"controls": [{**ITEMS["controls"][0], "start": 0.3, "end": 0.35}]}, "controls.0.end", (0.5,)),
        (
            {"controls": [{**ITEMS["controls"][0], "start": 0.8}], "video": CLIP, "strength": 0.5},
            "controls.0.start",
            (0.75,),
        ),
        ({"controls": [{**ITEMS["controls"][0], "drawn": True, "smoothing": 0.5}]}, "controls.0.smoothing", ()),
        ({"controls": [{"kind": "flow", "video": {**CLIP, "frame": 2}}]}, "controls.0.video.frame", ()),
        ({"camera": {"dolly": 1}}, "camera.dolly", ("zoom",)),
        ({"camera": {"keys": [{"at": 0, "orbit": 1}]}}, "camera.orbit", ("pan",)),
        ({"camera": {"preset": "pan-left", "zoom": 1}}, "camera.zoom", ()),
        ({"camera": {"pan": 1, "keys": [{"at": 0, "pan": 2}]}}, "camera.pan", ()),
        ({"camera": {"keys": [{"at": 0.5, "pan": 1}, {"at": 0.5, "pan": 2}]}}, "camera.keys.1.at", ()),
        ({"camera": {"pan": 1}, "controls": [{"kind": "flow", "video": CLIP}]}, "camera", ()),
        ({"brushes": ITEMS["brushes"], "controls": [{"kind": "flow", "video": CLIP}]}, "brushes", ()),
        ({"trajectories": [PATH], "controls": [{"kind": "layout", "video": CLIP}]}, "trajectories", ()),
        ({"motion_strength": 1}, "motion_strength", ()),
        ({"references": 2 * ITEMS["references"]}, "references", (1,)),
        ({"references": [{"image": CLIP, "kind": "style"}]}, "references.0.kind", ()),
        ({"mask": {}}, "mask", ()),
        ({"mask": {"box": {"left": 0.5, "top": 0, "right": 0.5, "bottom": 1}}}, "mask.box.right", (0.52,)),
        ({"mask": ITEMS["mask"], "outpaint": {"left": 1}}, "outpaint", ()),
        ({"outpaint": {}}, "outpaint", ()),
        ({"video": CLIP, "prefix": {"video": CLIP}}, "prefix", ()),
        ({"prefix": {"video": CLIP, "frames": 4}}, "prefix.frames", (1, 5)),
        ({"prefix": {"video": CLIP, "frames": 17}}, "prefix.frames", (13,)),
        ({"suffix": {"video": CLIP, "frames": 5}}, "suffix.frames", (4, 8)),
        ({"prefix": {"video": {**CLIP, "frame": 1}}}, "prefix.video.frame", ()),
        ({"prefix": {"video": CLIP}, "keyframes": [{"image": CLIP, "frame": 4}]}, "keyframes.0.frame", (5,)),
        ({"prefix": {"video": CLIP}, "keyframes": [{"image": CLIP, "seconds": 0.1}]}, "keyframes.0.frame", (5,)),
        ({"suffix": {"video": CLIP}, "keyframes": [{"image": CLIP, "frame": -1}]}, "keyframes.0.frame", (12,)),
        ({"controls": 2 * [{"kind": "flow", "video": CLIP}]}, "controls.1", ()),
        ({"camera": {"pan": 3}, "long": {"loop": True}, "num_frames": 16}, "camera", ()),
        (
            {"trajectories": ITEMS["trajectories"], "long": {"loop": True}, "num_frames": 16},
            "trajectories.0.points",
            (),
        ),
        ({"trajectories": [STILL]}, "trajectories.0.points.1.at", ()),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(fields, field, nearest):
    """Fails when `check_together` or the checks of `resolve` are left out: tried."""
    with pytest.raises(SpecError) as caught:
        resolve(asked(**fields), WILLING)
    assert caught.value.field == field
    assert caught.value.nearest == pytest.approx(nearest)
    assert caught.value.message.startswith(field)


def test_a_control_that_counts_at_one_step_is_taken():
    """The control to those that count at none; and more steps make a narrow share wide enough."""
    for fields in ({"start": 0.875}, {"start": 0.3, "end": 0.4}, {"start": 0.97, "steps": 100}):
        steps = fields.pop("steps", None)
        resolve(asked(controls=[{**ITEMS["controls"][0], **fields}], num_inference_steps=steps), WILLING)


def test_items_that_belong_to_another_task_are_refused():
    picture = MediaRef(**CLIP)
    for spec, field in (
        (TextToVideo(mask=ITEMS["mask"]), "mask"),
        (ImageToVideo(image=picture, prefix={"video": CLIP}), "prefix"),
        (ImageToVideo(image=picture, last_image=picture, suffix={"video": CLIP}), "suffix"),
        (JOB_SPEC.validate_python({"task": "extend-video", "video": CLIP, "prefix": {"video": CLIP}}), "prefix"),
        (JOB_SPEC.validate_python({"task": "extend-video", "video": CLIP, "mask": {"media": CLIP}}), "mask"),
        (
            JOB_SPEC.validate_python(
                {"task": "extend-video", "video": CLIP, "suffix": {"video": CLIP}, "direction": "backward"}
            ),
            "suffix",
        ),
    ):
        with pytest.raises(SpecError) as caught:
            resolve(spec, WILLING)
        assert caught.value.field == field


def test_speeds_beyond_ten_are_refused_with_their_bound():
    with pytest.raises(ValidationError, match="less than or equal to 10"):
        Camera(pan=11)


def test_a_camera_of_loras_needs_one_for_its_direction():
    loras = ConditioningRules(camera="loras", camera_axes=("pan", "zoom"), camera_loras={"pan-left": "left"})
    rules = PLAIN.model_copy(update={"conditioning": loras})
    resolve(asked(camera={"pan": -5}), rules)
    for camera in ({"pan": 5}, {"zoom": 1}, {"keys": [{"at": 0, "pan": -5}]}):
        with pytest.raises(SpecError, match="camera"):
            resolve(asked(camera=camera), rules)


def test_every_item_names_its_media():
    both = asked(controls=2 * ITEMS["controls"], references=ITEMS["references"], brushes=ITEMS["brushes"])
    assert list(named_media(both)) == ["controls.0.video", "controls.1.video", "references.0.image", "brushes.0.media"]
    masked = VideoToVideo(video=CLIP, mask={"media": {"artifact_id": "art_m"}})
    assert named_media(masked)["mask.media"].key == "art_m"


def test_a_camera_is_told_in_the_words_of_the_training():
    """Once, in every prompt, and not where it hardly moves.

    Fails when the prompt's own words are not looked at: tried.
    """
    rules = ConditioningRules(
        camera="flow",
        camera_axes=("pan", "zoom"),
        camera_words={"pan-left": "the camera pans left", "zoom-in": "the camera zooms in"},
    )
    spec = TextToVideo(prompt="a cat", camera={"pan": -3, "zoom": 0.5}, segments=({"prompt": "a dog"}, {}))
    told = worded(spec, rules)
    assert told.prompt == "a cat, the camera pans left"
    assert [part.prompt for part in told.segments] == ["a dog, the camera pans left", ""]
    assert worded(told, rules) == told
    # what is asked to rest is not said to move
    for strength, said in ((0.0, "a cat"), (0.2, "a cat"), (1.5, "a cat, the camera pans left")):
        rested = spec.model_copy(update={"motion_strength": strength})
        assert worded(rested, rules).prompt == said
    keys = {"keys": [{"at": 0, "zoom": 0}, {"at": 1, "zoom": 6}]}
    assert worded(TextToVideo(camera=keys), rules).prompt == "the camera zooms in"
    for same in (TextToVideo(prompt="a cat"), TextToVideo(prompt="a cat", camera={"pan": 3})):
        assert worded(same, rules) is same or worded(same, rules) == same


SAID = ConditioningRules(
    camera="flow",
    camera_axes=("pan", "zoom"),
    camera_words={"pan-left": "left", "pan-right": "right", "zoom-in": "in"},
    camera_speeds={"pan-left": 2.0, "pan-right": 2.0, "zoom-in": 1.0},
    camera_least_share=0.4,
    camera_axes_at_once=1,
    trajectories="layout",
    trajectories_at_once=1,
)
ONE_AXIS = PLAIN.model_copy(update={"conditioning": SAID})


def test_a_camera_that_changes_or_is_slow_is_said_by_time():
    """Its words count as much as it is fast, each direction at its own time; strength scales all of it.

    Fails when keys become one average: tried, nothing was said of one that turns back.
    """
    keys = {"keys": [{"at": 0, "pan": -4}, {"at": 1, "pan": 4}]}
    spec = TextToVideo(prompt="a cat", camera=keys)
    assert worded(spec, SAID) == spec
    left, right = said_moves(spec, SAID)
    assert (left.words, right.words) == ("left", "right")
    assert [left.weight(share) for share in (0, 0.25, 0.375, 0.5, 1)] == pytest.approx([1, 1, 0.7, 0, 0])
    assert [right.weight(share) for share in (0, 0.5, 0.625, 1)] == pytest.approx([0, 0, 0.7, 1])
    (slow,) = said_moves(TextToVideo(camera={"pan": 1}), SAID)
    assert slow.weight(0.5) == pytest.approx(0.7)
    assert said_moves(TextToVideo(camera={"pan": 4}, motion_strength=0.25), SAID)[0].weight(0) == pytest.approx(0.7)
    # the control: a steady one at full speed is said in the prompt, and drawn
    fast = TextToVideo(prompt="a cat", camera={"pan": 2})
    assert not by_time(fast, SAID)
    assert worded(fast, SAID).prompt == "a cat, right"
    assert said_moves(fast, SAID) == ()


@pytest.mark.parametrize(
    ("fields", "field", "nearest"),
    [
        ({"camera": {"pan": 4, "zoom": 4}}, "camera.zoom", "pan alone"),
        ({"camera": {"keys": [{"at": 0, "pan": 4}, {"at": 1, "zoom": 4}]}}, "camera.keys", "pan alone"),
        ({"trajectories": [PATH, PATH]}, "trajectories", "nearest is 1"),
    ],
    ids=str,
)
def test_what_a_model_does_at_one_time_only_is_refused_by_name(fields, field, nearest):
    """The controls: the same one after the other, and under rules that take them together. Fails without: tried."""
    with pytest.raises(SpecError, match=nearest) as caught:
        resolve(asked(**fields), ONE_AXIS)
    assert caught.value.field == field
    resolve(asked(**fields), WILLING)
    keys = [{"at": 0, "pan": 4}, {"at": 0.5, "pan": 4}, {"at": 0.51, "zoom": 4}, {"at": 1, "zoom": 4}]
    resolve(asked(camera={"keys": keys}), ONE_AXIS)

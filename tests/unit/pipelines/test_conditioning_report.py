"""Every conditioned job says what it was asked for beside what its frames show: in its receipt and in a file."""

import json
from pathlib import Path

import numpy as np
import pytest

from vidgen.media.reader import every_frame, read_frames_pyav
from vidgen.media.source import read_clip
from vidgen.media.writer import write_video
from vidgen.motion.controls.canny import canny
from vidgen.pipelines import Residency, render
from vidgen.pipelines.conditioning_report import ConditioningMeter
from vidgen.pipelines.source_frames import source_shape
from vidgen.runtime.context import RunContext
from vidgen.runtime.verdict import Errors, Verdict
from vidgen.spec import ImageToVideo, MediaRef, ProcessVideo, TextToVideo, VideoToVideo, resolve, resolve_process

SIDE, FRAMES = 64, 9
CLIP = MediaRef(upload_id="upl_clip")
PATH = {"points": [{"x": 0.25, "y": 0.5}, {"x": 0.75, "y": 0.5}]}


@pytest.fixture(scope="module")
def rules(tiny_registry):
    return tiny_registry.get("tiny").rules


def ball(path: np.ndarray) -> np.ndarray:
    """A square on a plain ground with its middle at `path` (shares of the width)."""
    frames = np.full((len(path), SIDE, SIDE, 3), (40, 60, 90), np.uint8)
    for frame, x in zip(frames, path, strict=True):
        left = round(x * SIDE) - 8
        frame[24:40, left : left + 16] = (230, 120, 40)
    return frames


RIGHT = np.linspace(0.25, 0.75, FRAMES)


@pytest.fixture(scope="module")
def media(tmp_path_factory) -> dict[str, Path]:
    return {CLIP.key: write_video([ball(RIGHT)], tmp_path_factory.mktemp("media") / "clip.mp4", fps=8).path}


def reported(frames: np.ndarray, rules, media, kind=TextToVideo, said=(), **fields) -> dict:
    asked = {"model": "tiny", "num_frames": FRAMES, "width": SIDE, "height": SIDE} | fields
    spec = resolve(kind.model_validate(asked), rules)
    meter = ConditioningMeter(spec, RunContext(media=media), rules.conditioning)
    assert np.array_equal(np.concatenate(list(meter.through(iter([frames[:4], frames[4:]])))), frames)
    return meter.report(said)


def test_a_clip_that_does_as_asked_and_its_reverse_are_told_apart(rules, media):
    """Fails when requested is compared with itself: tried (the track)."""
    fields = {"trajectories": [PATH]}
    (own,) = reported(ball(RIGHT), rules, media, **fields)["trajectories"]
    (other,) = reported(ball(RIGHT[::-1]), rules, media, **fields)["trajectories"]
    assert (own["by"], len(own["measured"])) == ("subject", FRAMES)
    assert own["mean_error"] < 0.03
    assert other["mean_error"] > 0.2
    follow = {"controls": [{"kind": "layout", "video": CLIP}, {"kind": "flow", "video": CLIP}]}
    mine = reported(ball(RIGHT), rules, media, **follow)["controls"]
    reverse = reported(ball(RIGHT[::-1]), rules, media, **follow)["controls"]
    assert [(entry["kind"], entry["start"], entry["end"]) for entry in mine] == [("layout", 0, 1), ("flow", 0, 1)]
    assert min(entry["measured"] for entry in mine) > 0.8
    assert max(entry["measured"] for entry in reverse) < 0.3
    depth = {"controls": [{"kind": "depth", "video": CLIP, "drawn": True}]}
    assert reported(ball(RIGHT), rules, media, **depth)["controls"][0]["measured"] is None
    unweighted = {"controls": [{"kind": "layout", "video": CLIP, "weight": 0}]}
    (entry,) = reported(ball(RIGHT), rules, media, **unweighted)["controls"]
    assert (entry["requested"], entry["weight"], entry["measured"] > 0.8) == (None, 0, True)


def test_a_camera_is_reported_in_its_own_units(rules, media):
    """A ground that goes left by two pixels a frame is a pan of 5. The control: the same ground at rest."""
    rng = np.random.default_rng(3)
    wide = np.kron(rng.integers(40, 220, (16, 24, 3)), np.ones((4, 8, 1))).astype(np.uint8)
    moving = np.stack([wide[:, 2 * n : 2 * n + SIDE] for n in range(FRAMES)])
    (entry,) = reported(moving, rules, media, camera={"pan": 5})["camera"]
    assert entry["axes"]["pan"]["requested"] == 5
    assert entry["axes"]["pan"]["measured"] == pytest.approx(5, abs=0.5)
    assert abs(entry["axes"]["zoom"]["measured"]) < 0.5
    assert entry["axes"]["pan"]["requested_over_time"] == 8 * [5]
    assert entry["fit"] > 0.7
    turning = {"keys": [{"at": 0, "pan": -6}, {"at": 1, "pan": 6}]}
    (turned,) = reported(moving, rules, media, camera=turning)["camera"]
    assert turned["axes"]["pan"]["requested"] == pytest.approx(0)
    assert turned["axes"]["pan"]["requested_over_time"] == pytest.approx(np.arange(-5.25, 6, 1.5))
    assert len(turned["axes"]["pan"]["over_time"]) == 8
    (strong,) = reported(moving, rules, media, camera={"pan": 5}, motion_strength=0.5)["motion"]
    assert (strong["requested"], strong["measured"], "times" in strong["unit"]) == (0.5, None, True)
    assert "seed" in strong["why"]
    assert strong["widths_a_second"] == pytest.approx(0.25, abs=0.04)
    (resting,) = reported(np.repeat(moving[:1], FRAMES, 0), rules, media, camera={"pan": 5})["camera"]
    assert abs(resting["axes"]["pan"]["measured"]) < 0.1


def test_a_subject_on_a_plain_ground_is_not_taken_for_a_camera(rules, media):
    """Fails when the subject's own edges count as ground: tried, a pan of -9.7 was measured as a fact."""
    (entry,) = reported(ball(RIGHT), rules, media, camera={"pan": 3})["camera"]
    assert entry["axes"]["pan"]["requested"] == 3
    assert entry["axes"]["pan"]["measured"] is None
    assert entry["fit"] is None
    assert "texture" in entry["why"]
    assert set(entry["axes"]["pan"]["over_time"]) == {None}


def test_a_subject_is_not_made_up_over_a_pattern(rules, media):
    """Of a ball that goes over bricks neither a path nor a layout is told. Control: the same ball over a plain ground.

    Fails when the tracker is asked all the same: tried (it was said to rest, a quarter of the width off).
    """
    bricks = np.full((SIDE, SIDE, 3), (150, 60, 50), np.uint8)
    bricks[::6], bricks[:, ::8] = (220, 210, 200), (220, 210, 200)
    plain = ball(RIGHT)
    walled = np.where((plain == (40, 60, 90)).all(3, keepdims=True), bricks, plain)
    asked = {"trajectories": [PATH]}
    (known,) = reported(plain, rules, media, **asked)["trajectories"]
    (unknown,) = reported(walled, rules, media, **asked)["trajectories"]
    assert known["mean_error"] < 0.03
    assert (unknown["measured"], unknown["mean_error"], len(unknown["requested"])) == (None, None, FRAMES)
    assert "pattern" in unknown["why"]
    follow = {"controls": [{"kind": "layout", "video": CLIP}]}
    (control,) = reported(walled, rules, media, **follow)["controls"]
    assert (control["measured"], "pattern" in control["why"]) == (None, True)


def test_pictures_and_regions_are_reported(rules, media):
    """The frame asked for beside the others, and a region's colours beside the rest. Fails when the meter looks at
    the clip's first frame only: tried."""
    frames = np.concatenate([np.full((4, SIDE, SIDE, 3), 20, np.uint8), read_frames_pyav(media[CLIP.key], [0] * 5)])
    first = MediaRef(upload_id="upl_clip", frame=0)
    keys = [{"image": first, "frame": 6}, {"image": first, "seconds": 0.25}]
    not_there, there = reported(frames, rules, media, keyframes=keys)["pictures"]
    assert (there["picture"], there["frame"], there["seconds"]) == ("keyframes.1", 6, 0.75)
    assert there["psnr"] > there["elsewhere"] + 5
    assert (not_there["frame"], not_there["psnr"] < 20) == (2, True)
    kind = {"kind": ImageToVideo, "image": first, "last_image": first}
    begun, ended = reported(frames[::-1].copy(), rules, media, **kind)["pictures"]
    assert (begun["picture"], begun["frame"], ended["picture"], ended["frame"]) == ("image", 0, "last_image", 8)
    assert begun["psnr"] > 40 > 20 > ended["psnr"]
    half = {"box": {"left": 0, "top": 0, "right": 0.5, "bottom": 1}, "prompt": "a dog", "feather": 0}
    painted = np.zeros((FRAMES, SIDE, SIDE, 3), np.uint8)
    painted[:, :, :32] = 255
    (silent,) = reported(painted, rules, media, regions=[half])["regions"]
    assert (silent["share"], silent["measured"], silent["elsewhere"]) == (0.5, None, None)
    assert "not asked" in silent["why"]
    said = [Verdict("regions.0", Errors(1, 1), Errors(4, 0)), Verdict("regions.0", Errors(0, 2), Errors(2, 2))]
    (region,) = reported(painted, rules, media, regions=[half], said=said)["regions"]
    assert (region["measured"], region["elsewhere"], "why" in region) == (0.5, -0.5, False)
    assert (region["requested"], region["weight"]) == (1, 1)
    for errors, why in (
        ((Errors(1, 3), Errors()), "whole frame"),
        ((Errors(), Errors(1, 3)), "newly made"),
    ):
        unweighted = [Verdict("regions.0", *errors)]
        (entry,) = reported(painted, rules, media, regions=[{**half, "weight": 0}], said=unweighted)["regions"]
        assert (entry["requested"], entry["weight"], why in entry["why"]) == (None, 0, True)
    assert region["difference"] == pytest.approx(100, abs=0.1)
    assert reported(painted[:, ::-1] * 0 + 9, rules, media, regions=[half])["regions"][0]["difference"] < 0.1


def test_masks_and_ends_are_measured_against_what_was_given(rules, media):
    half = {"box": {"left": 0, "top": 0, "right": 0.5, "bottom": 1}}
    source = read_frames_pyav(media[CLIP.key], list(range(FRAMES)))
    changed = source.copy()
    changed[:, :, :32] = 250
    (entry,) = reported(changed, rules, media, VideoToVideo, video=CLIP, mask=half)["mask"]
    assert (entry["outside_psnr"], entry["requested"], entry["share"]) == (99.0, 99.0, 0.5)
    assert entry["inside_change"] > 50
    (begins,) = reported(source, rules, media, prefix={"video": CLIP, "frames": 5})["ends"]
    assert begins["psnr"] < 30  # it begins with the clip's last frames, not with its first
    (ends,) = reported(source[4:].repeat(2, 0)[:FRAMES], rules, media, suffix={"video": CLIP})["ends"]
    assert (ends["end"], ends["frames"]) == ("suffix", 4)
    held = source[[*range(4, 9), *range(5)]][:FRAMES]
    (there,) = reported(held, rules, media, prefix={"video": CLIP, "frames": 5})["ends"]
    assert (there["psnr"], there["requested"]) == (99.0, 99.0)
    assert there["elsewhere"] < 30


def test_the_report_lies_beside_the_clip_and_in_its_receipt(tiny_registry, media, tmp_path):
    """Fails when `render` leaves the meter out, and when keyframes are no condition to it: tried.

    The control: a clip without items has none.
    """
    residency, rules = Residency(tiny_registry), tiny_registry.get("tiny").rules
    asked = {"model": "tiny", "num_frames": FRAMES, "width": 32, "height": 32, "num_inference_steps": 1, "seed": 1}
    found = {}
    key = {"keyframes": [{"image": MediaRef(upload_id="upl_clip", frame=0), "frame": 4}]}
    part = {"regions": [{"box": {"left": 0, "top": 0, "right": 0.5, "bottom": 1}, "prompt": "a dog"}]}
    led = {"camera": {"pan": 5}, "trajectories": [PATH]}
    for name, more in (("led", led), ("key", key), ("part", part), ("plain", {})):
        folder = tmp_path / name
        folder.mkdir()
        made = render(resolve(TextToVideo(**asked, **more), rules), RunContext(media=media), folder, residency)
        receipt = json.loads(next(file.path for file in made.files if file.kind == "receipt").read_text())
        found[name] = ([file.path for file in made.files if file.kind == "conditioning"], receipt.get("conditioning"))
    (file,), told = found["led"]
    assert json.loads(file.read_text()) == told
    assert told.keys() == {"camera", "trajectories"}
    assert found["key"][1].keys() == {"pictures"}
    assert len(found["key"][0]) == 1
    (region,) = found["part"][1]["regions"]
    assert -1 < region["measured"] < 1
    assert -1 < region["elsewhere"] < 1
    assert found["plain"] == ([], None)


def test_a_control_is_drawn_as_a_job_of_its_own(tiny_registry, media, tmp_path):
    """What `vidgen control` and the step draw-control give is what a job is led by.

    Fails when the step passes frames on: tried.
    """
    step = {"step": "draw-control", "kind": "canny", "width": 32, "height": 32}
    spec = ProcessVideo.model_validate({"video": CLIP, "post": [step], "output": {"quality": "lossless"}})
    spec = resolve_process(spec, source_shape(media[CLIP.key]))
    made = render(spec, RunContext(media=media), tmp_path, Residency(tiny_registry))
    frames = np.stack(list(every_frame(made.video.path)))
    shown = read_clip(media[CLIP.key], width=32, height=32, num_frames=FRAMES, fps=8)
    assert frames.shape == (FRAMES, 32, 32, 3)
    assert np.abs(frames.astype(int) - canny(shown)).mean() < 3

"""Each measure finds the defect it is for, at the joint where it lies, and nothing in a clip without any."""

import cv2
import numpy as np
import pytest

from tests.unit.quality.planted import AT, FRAMES, JOINTS, NUMBER, judged, lighter, measured, moving
from vidgen.quality.seams import Joint, SeamMeter, judge, scan


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    return moving()


def failed(frames: np.ndarray) -> dict[int, tuple[str, ...]]:
    return {n: joint.failed for n, joint in enumerate(judged(frames).joints) if joint.failed}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("speed", [0.0, 0.4, 3.0])
def test_a_clip_without_defects_passes(speed, seed):
    """Fails when the scales have no floor and the still clip explodes: tried."""
    assert failed(moving(speed, seed)) == {}


def test_a_picture_that_never_changes_passes(clean):
    assert failed(np.repeat(clean[:1], FRAMES, 0)) == {}


@pytest.mark.parametrize("by", [(3, 3, 3), (-3, -3, -3), (4, 0, -4)], ids=["lighter", "darker", "tinted"])
def test_a_step_of_light_or_tint(clean, by):
    """Three of 255. Fails when the change of all places is not measured: tried."""
    stepped = np.concatenate([clean[:AT], lighter(clean[AT:], by)])
    assert "colour" in failed(stepped)[NUMBER]
    assert set(failed(stepped)) == {NUMBER}


def test_a_step_of_light_is_not_hidden_by_fast_motion():
    fast = moving(4.0)
    assert "colour" in failed(np.concatenate([fast[:AT], lighter(fast[AT:], (4, 4, 4))]))[NUMBER]


def test_other_content_that_no_motion_explains():
    """A third of a picture that moves fast. Fails when the frames are compared without their motion: tried."""
    changed, other = moving(3.0), moving(3.0, seed=9)
    changed[AT:, :, :20] = other[AT:, :, :20]
    assert "residual" in failed(changed)[NUMBER]


def test_blur_that_begins_at_a_joint(clean):
    """Fails when the level of sharpness is not compared across the joint: tried; and when a ghost is what has less
    detail than the richer side: tried, this would be one."""
    blurred = clean.copy()
    for n in range(AT, FRAMES):
        blurred[n] = cv2.GaussianBlur(clean[n], (0, 0), 3.0)
    assert "sharpness" in failed(blurred)[NUMBER]
    assert "ghost" not in failed(blurred)[NUMBER]
    assert set(failed(blurred)) == {NUMBER}


def test_a_frame_shown_twice(clean):
    """Fails when the motion of a step is not compared with that of the step before: tried."""
    repeated = np.concatenate([clean[:AT], clean[AT - 1 : -1]])
    assert {"acceleration", "frozen"} <= set(failed(repeated)[NUMBER])


def test_motion_that_turns_round(clean):
    turned = np.concatenate([clean[:AT], clean[AT - 2 :: -1]])[:FRAMES]
    assert {"acceleration", "flash"} <= set(failed(turned)[NUMBER])


def test_missing_frames():
    more = moving(frames=FRAMES + 4)
    assert {"acceleration", "jump"} <= set(failed(np.concatenate([more[:AT], more[AT + 4 :]]))[NUMBER])


def test_a_single_light_frame(clean):
    flashing = clean.copy()
    flashing[AT] = lighter(clean[AT], (40, 40, 40))
    assert "flash" in failed(flashing)[NUMBER]


def test_a_single_frame_from_elsewhere(clean):
    """Fails when a frame is compared with the one before alone: tried, a change of content then counts as well."""
    stray = clean.copy()
    stray[AT] = moving(seed=9)[AT]
    assert "flash" in failed(stray)[NUMBER]
    changed = np.concatenate([clean[:AT], moving(seed=9)[AT:]])
    assert "flash" not in failed(changed)[NUMBER]


def test_frames_that_stand_still(clean):
    frozen = clean.copy()
    frozen[AT : AT + 3] = clean[AT - 1]
    assert "frozen" in failed(frozen)[NUMBER]


def test_colours_that_creep_away(clean):
    """No single step is large. Fails when a chunk is compared with the one before it instead of the first: tried."""
    ramp = np.clip((np.arange(FRAMES) - 12) / (FRAMES - 12), 0, 1)[:, None, None, None] * 90
    creeping = np.clip(np.round(clean + ramp), 0, 255).astype(np.uint8)
    found = failed(creeping)
    assert found[len(JOINTS) - 1] == ("drift",)
    assert 0 not in found


def test_a_cut_is_not_judged_and_drift_starts_anew_after_it(clean):
    other = lighter(moving(seed=9), (40, 40, 40))
    shots = np.concatenate([clean[:AT], other[AT:]])
    joints = tuple(Joint(AT, AT, cut=True) if n == NUMBER else joint for n, joint in enumerate(JOINTS))
    report = judge(measured(shots), joints)
    assert [joint.verdict for joint in report.joints] == ["pass", "pass", "cut", "pass"]
    assert report.joints[NUMBER].findings == {}


def test_another_prompt_may_look_otherwise_from_there_on(clean):
    """Neither the step of light counts there nor the distance of later chunks from the first one; it is told, as of
    another prompt. Fails when `opens` is for the drift alone: as it was."""
    stepped = np.concatenate([clean[:AT], lighter(clean[AT:], (45, 45, 45))])
    joints = tuple(Joint(it.first, it.last, opens=n == NUMBER) for n, it in enumerate(JOINTS))
    report = judge(measured(stepped), joints)
    assert not {"colour", "drift"} & {name for joint in report.joints for name in joint.failed}
    told = report.as_json()["joints"][NUMBER]
    assert told["new_prompt"]
    assert (told["measures"]["colour"]["judged"], told["measures"]["residual"]["judged"]) == (False, True)
    assert told["measures"]["colour"]["score"] > 1
    assert {"colour", "drift"} <= set(judged(stepped).joints[NUMBER].failed)


def test_another_prompt_is_no_leave_to_stutter(clean):
    """The other measures judge where a new look begins as well. Fails when such a joint is taken for a cut: tried."""
    repeated = np.concatenate([clean[:AT], clean[AT - 1 : -1]])
    joints = tuple(Joint(it.first, it.last, opens=n == NUMBER) for n, it in enumerate(JOINTS))
    assert {"acceleration", "frozen"} <= set(judge(measured(repeated), joints).joints[NUMBER].failed)


def test_a_defect_elsewhere_is_not_the_joints(clean):
    """Between two joints lies what the clip does anyway."""
    flashing = clean.copy()
    flashing[AT + 6] = lighter(clean[AT + 6], (12, 12, 12))
    assert failed(flashing) == {}


def test_defects_at_every_joint_do_not_hide_each_other(clean):
    """Chunks of two frames, every other one lighter. Fails when the steps at the joints count as interior: tried."""
    stepped = clean.copy()
    for first in range(1, FRAMES, 4):
        stepped[first : first + 2] = lighter(clean[first : first + 2], (5, 5, 5))
    report = judge(measured(stepped), [Joint(at, at) for at in range(1, FRAMES, 2)])
    assert all("colour" in joint.failed for joint in report.joints)


def test_a_scan_finds_the_seam_that_nobody_named(clean):
    stepped = np.concatenate([clean[:AT], lighter(clean[AT:], (12, 0, -12))])
    (found,) = scan(measured(stepped)).joints
    assert found.joint.first <= AT <= found.joint.last
    assert found.verdict == "fail"
    assert scan(measured(clean)).joints == ()


def test_the_size_of_the_frames_does_not_matter(clean):
    """The same clip at four times the pixels: the same joint fails by the same measures."""
    stepped = np.concatenate([clean[:AT], lighter(clean[AT:], (6, 6, 6))])
    large = np.stack([cv2.resize(frame, (256, 256), interpolation=cv2.INTER_CUBIC) for frame in stepped])
    assert "colour" in failed(large)[NUMBER]


def test_frames_may_come_in_any_pieces(clean):
    meter = SeamMeter()
    assert all(piece.shape[1:] == (64, 64, 3) for piece in meter.through(iter([clean[:1], clean[1:24], clean[24:]])))
    assert np.array_equal(meter.series().rows, measured(clean).rows)


def test_what_was_measured_in_pieces_is_what_is_measured_at_once(clean):
    """What the gate relies on: it measures a chunk at a time, with a few frames before it."""
    from vidgen.quality.seams.series import RUN_UP

    spliced = measured(clean)[:AT] + measured(clean[AT - RUN_UP :])[RUN_UP:]
    assert np.array_equal(spliced.rows, measured(clean).rows)


def test_only_numbers_are_kept_of_a_clip(clean):
    series = measured(clean)
    assert series.rows.nbytes + series.places.nbytes < FRAMES * 1024


def test_a_ghost_where_one_clip_fades_into_another(clean):
    """Two pictures seen through each other over a joint's frames. Fails when its outermost frames are taken in place of
    the middle ones: tried, 0.39."""
    other, begin = moving(seed=5), AT - 2
    share = (np.arange(4) + 1)[:, None, None, None] / 5
    faded = clean.copy()
    faded[begin : begin + 4] = np.round(clean[begin : begin + 4] * (1 - share) + other[begin : begin + 4] * share)
    faded[begin + 4 :] = other[begin + 4 :]
    report = judged(faded)
    assert "ghost" in report.joints[NUMBER].failed
    assert report.joints[NUMBER].findings["ghost"].value == pytest.approx(np.log(2), abs=0.2)
    assert all("ghost" not in joint.failed for n, joint in enumerate(report.joints) if n != NUMBER)


def test_a_joint_of_one_step_hides_no_ghost(clean):
    assert judge(measured(clean), [Joint(AT, AT)]).joints[0].findings["ghost"].value == 0.0


@pytest.mark.parametrize("name", ["jump", "ghost"])
def test_another_prompt_may_change_what_is_seen_and_not_how_it_moves(clean, name):
    """Fails when a new look is judged by what it may ask for: as it was for the jump of plain colours."""
    found = judge(measured(clean), [Joint(AT - 2, AT + 2, opens=True)]).joints[0]
    assert not found.findings[name].judged
    assert found.findings["residual"].judged
    assert found.findings["acceleration"].judged

"""What each conditioning item paints on a canvas."""

import numpy as np
import pytest
import torch

from vidgen.motion.brush import MotionBrush
from vidgen.motion.camera import MovingCamera
from vidgen.motion.canvas import Use, blank_canvas, painted
from vidgen.motion.clip_frames import ClipFrames
from vidgen.motion.control_video import ControlVideo
from vidgen.motion.motion_of_clip import MotionOfClip
from vidgen.motion.motion_strength import MotionStrength
from vidgen.motion.reference import ReferencePicture
from vidgen.motion.region import Region
from vidgen.motion.trajectory import BoxTrack, MovingBox
from vidgen.spec import Camera, CameraKey
from vidgen.spec.conditioning.path import Path, Waypoint

SIDE, FRAMES, FPS = 32, 9, 8
ACROSS = Path(points=(Waypoint(x=0.25, y=0.5, at=0), Waypoint(x=0.75, y=0.5, at=1)))
NEAR = np.zeros((SIDE, SIDE), np.float32)
NEAR[8:24, 8:24] = 1


def blank(first: int = 0, count: int = FRAMES, total: int = FRAMES):
    return blank_canvas(count, SIDE, SIDE, first=first, total=total)


def camera_flow(**speeds) -> np.ndarray:
    return MovingCamera(Camera(**speeds), FPS, NEAR).apply_to(blank()).flow


def test_a_camera_moves_what_is_seen_against_it():
    """At speed 10 half the width a second: 2 of 32 pixels a frame. Fails when a sign or a unit is changed: tried."""
    assert camera_flow(pan=10)[:, 0] == pytest.approx(np.full((FRAMES, SIDE, SIDE), -2), abs=1e-5)
    assert camera_flow(tilt=5)[:, 1] == pytest.approx(np.full((FRAMES, SIDE, SIDE), 1), abs=1e-5)
    zoom = camera_flow(zoom=10)[4]
    # twice as large in a second of 8 frames: by the eighth root of 2 in one
    assert zoom[0, 16, 31] == pytest.approx(15.5 * (1 - 2 ** (-1 / 8)), rel=1e-4)
    assert zoom[1, 0, 16] < 0 < zoom[1, 31, 16]
    roll = camera_flow(roll=8)[4]
    # a clockwise camera sees the world turn counterclockwise: what lies to the right goes up
    assert roll[1, 16, 31] == pytest.approx(-15.5 * np.sin(np.radians(4.5)), rel=0.02)


def test_near_and_far_move_apart_under_a_dolly_and_an_orbit():
    """Fails when nearness is not looked at: tried."""
    orbit = camera_flow(orbit=10)[4, 0]
    assert orbit[16, 16] == pytest.approx(0, abs=1e-5)
    assert orbit[2, 2] == pytest.approx(2, abs=1e-5)
    dolly = camera_flow(dolly=10)[4, 0]
    assert dolly[16, 23] / 7.5 > 1.8 * dolly[16, 24] / 8.5 > 0


def test_a_camera_follows_its_keys_and_pieces_show_the_whole_clips():
    camera = Camera(keys=(CameraKey(at=0, pan=-10), CameraKey(at=1, pan=10)))
    moving = MovingCamera(camera, FPS, NEAR)
    flow = moving.apply_to(blank()).flow
    across = flow[:, 0, 0, 0]
    assert across[0] == across[1] > 0 > across[-1]
    assert across[4] + across[5] == pytest.approx(0, abs=1e-5)
    piece = moving.apply_to(blank(first=4, count=5)).flow
    assert np.allclose(piece, flow[4:])


def test_a_box_follows_its_path_and_strength_stretches_the_way():
    """Fails when the strength is not looked at: tried."""
    (track,) = BoxTrack(ACROSS, 0.5, 0.25).apply_to(blank()).tracks
    assert (track[0].left, track[0].right) == pytest.approx((0, 0.5))
    assert (track[8].left, track[8].top, track[8].bottom) == pytest.approx((0.5, 0.375, 0.625))
    half = painted([MotionStrength(0.5), BoxTrack(ACROSS, 0.5, 0.25)], blank()).tracks[0]
    assert half[8].left == pytest.approx(0.25)
    (piece,) = BoxTrack(ACROSS, 0.5, 0.25).apply_to(blank(first=4, count=5)).tracks
    assert piece == track[4:]


def test_a_painted_region_moves_along_and_the_rest_stays_with_the_camera():
    """2 pixels a frame, within the region alone. Fails when the region stays where it was painted: tried."""
    painted_region = np.zeros((SIDE, SIDE), np.float32)
    painted_region[8:16, 4:12] = 1
    flow = painted([MovingCamera(Camera(tilt=5), FPS, NEAR), MotionBrush(painted_region, ACROSS)], blank()).flow
    for frame in (1, 8):
        within = flow[frame, 0] > 1
        columns = np.flatnonzero(within.any(axis=0))
        assert (columns.min(), columns.max()) == (4 + 2 * frame, 11 + 2 * frame)
        assert flow[frame, 0][within] == pytest.approx(np.full(64, 2), abs=1e-4)
        assert flow[frame, 1][~within] == pytest.approx(np.full(SIDE * SIDE - 64, 1), abs=1e-4)
    boxed = MovingBox(ACROSS, 0.25, 0.25).apply_to(blank()).flow
    assert (boxed[4, 0] > 1).sum() == 64
    assert boxed[4, 0, 16, 16] == pytest.approx(2, abs=1e-4)


def test_the_motion_of_another_clip_is_scaled_by_strength():
    field = np.ones((FRAMES, 2, SIDE, SIDE), np.float32)
    item = MotionOfClip(lambda first, count: field[first : first + count], Use(0.5, 0.1, 0.9))
    canvas = painted([MotionStrength(2.0), item], blank())
    assert float(canvas.flow.max()) == 2.0
    assert canvas.control_layers(0.1)[0].use == Use(0.5, 0.1, 0.9)


def test_known_frames_a_region_a_control_and_a_reference_stand_side_by_side():
    """Fails when a region's mask takes known frames away, or keeps what is made: tried."""
    grey = np.full((FRAMES, SIDE, SIDE, 3), 200, np.uint8)
    made = np.repeat(NEAR[None], FRAMES, 0)
    items = [
        ClipFrames(lambda: grey[:5], 0, 5),
        Region(lambda first, count: grey[first : first + count], lambda first, count: made[first : first + count]),
        ControlVideo(lambda _first, count: np.zeros((count, SIDE, SIDE, 3), np.uint8), Use()),
        ReferencePicture(torch.zeros(3, SIDE, SIDE)),
    ]
    canvas = painted(items, blank())
    assert float(canvas.mask[:, :, :5].max()) == 0
    assert torch.equal(canvas.mask[0, 0, 6], torch.from_numpy(NEAR))
    assert float(canvas.pixels[0, 0, 6, 0, 0]) == pytest.approx(200 / 127.5 - 1)
    assert float(canvas.pixels[0, 0, 6, 16, 16]) == 0
    (layer,) = canvas.control_layers()
    assert float(canvas.under(layer)[0, 0, 6, 16, 16]) == -1
    assert len(canvas.references) == 1

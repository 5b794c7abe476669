"""Depth, poses and faces drawn with networks: stand-ins that see what is known, and tiny ones of the real classes."""

from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
import torch
from transformers import DPTForDepthEstimation, DPTImageProcessor

from tests import tiny_estimators
from vidgen.errors import ModelError
from vidgen.families.estimator_folder import estimator_in
from vidgen.motion.controls.estimated import DepthDrawer, FaceDrawer, PoseDrawer, person_box
from vidgen.motion.controls.pose import COCO, bones, hue
from vidgen.pipelines import Residency
from vidgen.pipelines.estimation import drawers_of
from vidgen_models.estimator_networks import load_estimator
from vidgen_models.registry import ModelRegistry
from vidgen_models.shelf import Shelf

CPU = torch.device("cpu")
SIDE = 64


@dataclass
class KnownDepth:
    """Sees what it is told, a plane a frame."""

    planes: list[np.ndarray]
    net: torch.nn.Module = field(default_factory=lambda: torch.nn.Linear(1, 1))

    def nearness(self, frame):
        del frame
        return self.planes.pop(0)


@dataclass
class KnownPose:
    """Sees the joints it is told, and remembers where it looked."""

    poses: list[np.ndarray]
    net: torch.nn.Module = field(default_factory=lambda: torch.nn.Linear(1, 1))
    boxes: list[tuple[float, ...]] = field(default_factory=list)

    def joints(self, frame, box):
        del frame
        self.boxes.append(box)
        return self.poses.pop(0)


def clip(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (1, SIDE, SIDE, 3), dtype=np.uint8).repeat(count, 0)


def standing(x: float) -> np.ndarray:
    """A person whose middle is at x, arms hanging down."""
    places = {"nose": (x, 10), "left-eye": (x + 2, 8), "right-eye": (x - 2, 8)}
    places |= {"left-ear": (x + 4, 9), "right-ear": (x - 4, 9)}
    for side, sign in (("left", 1), ("right", -1)):
        for name, y in {"shoulder": 18, "elbow": 26, "wrist": 34, "hip": 36, "knee": 46, "ankle": 56}.items():
            places[f"{side}-{name}"] = (x + sign * 8, y)
    return np.array([[*places[name], 0.9] for name in COCO], np.float32)


def test_near_is_white_and_smoothing_calms_a_range_that_jumps():
    """A still scene in which something very near shows in every second frame. Fails without the held range: tried."""
    scene = np.linspace(0, 1, SIDE * SIDE, dtype=np.float32).reshape(SIDE, SIDE)

    def drawn(smoothing: float) -> np.ndarray:
        planes = [scene + np.float32(number % 2) * (scene > 0.99) for number in range(8)]
        return np.stack(list(DepthDrawer(KnownDepth(planes), "known", CPU).drawn(clip(8), smoothing)))

    plain, calm = drawn(0.0), drawn(1.0)
    assert plain.shape == (8, SIDE, SIDE, 3)
    assert (plain[0, 0, 0, 0], plain[0, -1, -1, 0]) == (0, 255)

    def leap(frames: np.ndarray) -> int:
        return int(np.abs(np.diff(frames[:, SIDE // 2, SIDE // 2, 0].astype(int))).max())

    assert leap(plain) > 60
    assert leap(calm) < 10


def test_bones_have_the_colours_that_networks_know_and_lie_on_the_joints():
    """Fails when limbs take each other's numbers: tried."""
    frame = bones(standing(32), SIDE, SIDE)
    assert [hue(n) for n in (0, 1, 3, 6, 9, 12, 15, 17)] == [
        (255, 0, 0), (255, 85, 0), (255, 255, 0), (0, 255, 0), (0, 255, 255), (0, 0, 255), (255, 0, 255), (255, 0, 85),
    ]  # fmt: skip
    assert tuple(frame[10, 32]) == hue(0)
    assert tuple(frame[34, 24]) == hue(4)  # the right wrist
    assert tuple(frame[30, 24]) == tuple(int(0.6 * value) for value in hue(3))  # the limb that leads to it
    assert not frame[60:].any()
    hidden = standing(32)
    hidden[COCO.index("right-wrist"), 2] = 0.1
    assert not bones(hidden, SIDE, SIDE)[29:33, 22:25].any()


def test_a_pose_is_looked_for_where_somebody_stands_and_moves_slowly_when_smoothed():
    frames = np.full((3, SIDE, SIDE, 3), 200, np.uint8)
    frames[:, 5:60, 20:40] = (30, 40, 160)
    places = [20.0, 30.0, 40.0]
    seen = KnownPose([standing(x) for x in places])
    plain = np.stack(list(PoseDrawer(seen, "known", CPU).drawn(frames, 0.0)))
    assert seen.boxes[0] == pytest.approx((20, 5, 20, 55), abs=1.5)
    assert person_box(clip(1)[0]) == (0.0, 0.0, SIDE, SIDE)
    calm = np.stack(list(PoseDrawer(KnownPose([standing(x) for x in places]), "known", CPU).drawn(frames, 1.0)))

    def middle(frame: np.ndarray) -> float:
        return float(np.nonzero(frame.any(axis=2))[1].mean())

    assert [middle(frame) for frame in plain] == pytest.approx([20, 30, 40], abs=1)
    assert [middle(frame) for frame in calm] == pytest.approx([20, 25, 32.5], abs=1)


def test_a_face_is_cut_out_around_the_head_and_stays_while_it_is_unseen():
    """Fails when the square is not led by the joints: tried."""
    frames = np.full((2, SIDE, 2 * SIDE, 3), 90, np.uint8)
    frames[:, 2:18, 96:108] = (240, 200, 160)
    unseen = standing(102)
    unseen[:, 2] = 0.0
    drawer = FaceDrawer(KnownPose([standing(102), unseen]), "known", CPU)
    faces = np.stack(list(drawer.drawn(frames, 0.0)))
    assert faces.shape == (2, SIDE, SIDE, 3)
    assert (faces == (240, 200, 160)).all(axis=3).mean() > 0.5
    assert (faces[0] == faces[1]).all()


@pytest.mark.parametrize("build", [tiny_estimators.depth_anything, tiny_estimators.dpt])
def test_a_depth_network_sees_as_its_library_does(build, tmp_path):
    estimator = estimator_in(build(tmp_path / "depth"))
    frame = clip(1)[0]
    seen = load_estimator(estimator).nearness(frame)
    assert seen.shape == (SIDE, SIDE)
    assert seen.std() > 0
    if estimator.network == "DPTForDepthEstimation":
        eyes = DPTImageProcessor.from_pretrained(estimator.path)
        with torch.inference_mode():
            found = DPTForDepthEstimation.from_pretrained(estimator.path)(**eyes(frame, return_tensors="pt"))
        (theirs,) = eyes.post_process_depth_estimation(found, target_sizes=[(SIDE, SIDE)])
        assert np.allclose(theirs["predicted_depth"].numpy(), seen, rtol=1e-3, atol=1e-9 * float(seen.max()))


def test_a_network_of_distances_is_turned_into_nearness(tmp_path):
    """Fails when metres are drawn as nearness: tried."""
    network = load_estimator(estimator_in(tiny_estimators.depth_anything(tmp_path / "metric", "metric")))
    frame = np.ascontiguousarray(clip(1)[0, : tiny_estimators.SIDE, : tiny_estimators.SIDE])
    given = network.processor(images=frame, return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        metres = network.net(given).predicted_depth[0].numpy()
    assert metres.min() > 0
    assert np.allclose(network.nearness(frame), 1 / metres, rtol=1e-4)


def test_a_network_is_drawn_with_once_it_is_on_the_shelf_and_another_folder_is_refused(tmp_path):
    shelf, folder = Shelf(tmp_path / "shelf"), tiny_estimators.vitpose(tmp_path / "pose")
    residency = Residency(ModelRegistry(tmp_path / "shelf"))
    assert not drawers_of(residency)
    shelf.put_estimator(estimator_in(folder))
    drawers = drawers_of(residency)
    assert set(drawers) == {"pose", "face"}
    (control,) = drawers["pose"]().drawn(clip(1), 0.0)
    assert control.shape == (SIDE, SIDE, 3)
    assert control.any()
    assert "pose" not in residency.registry.get("sprites-64").rules.conditioning.estimated  # it follows none
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(ModelError, match="sha256 differs"):
        load_estimator(estimator_in(tiny_estimators.dpt(tmp_path / "other")).model_copy(
            update={"folder": str(folder)}
        ))  # fmt: skip
    weights.rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin: such files can run code"):
        estimator_in(folder)


def test_every_frame_of_a_pose_network_is_that_of_its_library(tmp_path):
    """Where the heat map peaks, in pixels of the frame, the whole frame being the person."""
    network = load_estimator(estimator_in(tiny_estimators.vitpose(tmp_path / "pose")))
    frame = cv2.resize(clip(1)[0], (48, 64))
    joints = network.joints(frame, (0.0, 0.0, 48.0, 64.0))
    given = network.processor(frame, boxes=[[[0.0, 0.0, 48.0, 64.0]]], return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        heat = network.net(given).heatmaps[0].numpy()
    peaks = np.array([np.unravel_index(plane.argmax(), plane.shape) for plane in heat])
    assert np.allclose(joints[:, 2], heat.max(axis=(1, 2)), atol=1e-5)
    # the box is widened by a quarter about its middle
    scale = 1.25 * np.array([64, 48]) / (np.array(heat.shape[1:]) - 1)
    places = peaks * scale + np.array([32, 24]) - 0.625 * np.array([64, 48])
    near = np.abs(joints[:, [1, 0]] - places).max(axis=1) < 2.5 * scale.max()
    assert near.mean() > 0.7

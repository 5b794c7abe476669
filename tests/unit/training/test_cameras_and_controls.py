"""Scenes, cameras and control videos of the training set: what is drawn is what the caption or the control says."""

import cv2
import numpy as np
import pytest
import torch
from transformers import T5Tokenizer

from training.cameras import CAMERAS, CONTENT, camera_path
from training.captions import SOMETHING, VIEWS, Scene, caption, random_scene
from training.drawn_controls import CONTROLS, camera_flow, layout_of
from training.grounds import GROUNDS, PLAIN, SCENES, ground
from training.latents import SHARES, plan, random_mask
from training.places import ANY, CENTRE, MOTIONS, Placement, path, wander
from training.render import shot
from training.sprites import Sprite, sprite_from_rgba
from training.tokenizer import MAX_LENGTH
from training.transformer import moved_rows


@pytest.fixture
def square() -> Sprite:
    rgba = np.zeros((80, 80, 4), np.uint8)
    rgba[8:72, 8:72] = (230, 230, 40, 255)
    return sprite_from_rgba(rgba)


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_has_detail_a_plain_ground_has_none(name: str) -> None:
    rng = np.random.default_rng(0)
    scene, plain = ground(name, rng), ground("blue", rng)
    assert scene.std((0, 1)).max() > 0.04
    assert np.ptp(plain, axis=(0, 1)).max() == 0
    assert scene.min() >= 0
    assert scene.max() <= 1


@pytest.mark.parametrize("camera", CONTENT)
def test_the_picture_goes_against_a_panning_camera(square: Sprite, camera: str) -> None:
    """By phase correlation of the frames. Fails when a pan moves the other way: tried."""
    rng = np.random.default_rng(1)
    clip = shot(square, path("still", 17, rng), "brick", camera, rng).frames()
    first, last = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32) for frame in (clip[0], clip[8]))
    (dx, dy), _ = cv2.phaseCorrelate(first, last)
    moved = np.array([dx, dy])
    assert np.dot(moved, CONTENT[camera]) > 6
    assert abs(np.dot(moved, CONTENT[camera][::-1])) < 2


def test_a_zoom_enlarges_and_a_roll_turns(square: Sprite) -> None:
    rng = np.random.default_rng(2)

    def sides(camera: str) -> tuple[float, float]:
        seen = shot(square, [Placement(CENTRE, CENTRE, 30)] * 17, "grassy", camera, rng).seen
        return seen[0].side, seen[-1].side

    assert sides("zoom in")[1] > 1.25 * sides("zoom in")[0]
    assert sides("zoom out")[0] > 1.25 * sides("zoom out")[1]
    angles = [pose.angle for pose in camera_path("roll clockwise", 17, rng)]
    assert angles[-1] - angles[0] < -20, "the world turns against the camera"


@pytest.mark.parametrize("camera", CAMERAS)
def test_drawn_flow_is_how_the_picture_moves(square: Sprite, camera: str) -> None:
    """The frame before, fetched along the flow, is the frame. Fails when the flow's sign is turned: tried."""
    rng = np.random.default_rng(3)
    filmed = shot(square, [Placement(-200, -200, 30)] * 9, "cloudy", camera, rng)  # the sprite is out of sight
    clip, flow = filmed.frames().astype(np.float32), camera_flow(filmed)
    y, x = np.mgrid[0:64, 0:64].astype(np.float32)
    fetched = cv2.remap(clip[4], x - flow[5, 0], y - flow[5, 1], cv2.INTER_LINEAR)
    inner = (slice(8, -8), slice(8, -8))
    off, still = np.abs(fetched - clip[5])[inner].mean(), np.abs(clip[4] - clip[5])[inner].mean()
    assert off < 1.5 if camera == "static" else off < 0.5 * still


def test_the_layout_follows_the_sprite(square: Sprite) -> None:
    rng = np.random.default_rng(4)
    drawn = shot(square, wander(17, rng), "white", "static", rng)
    for frame, place in zip(layout_of(drawn), drawn.seen, strict=True):
        lines = np.argwhere(frame[..., 0] == 0)
        middle = (lines.min(0) + lines.max(0)) / 2
        assert np.abs(middle - np.clip([place.y, place.x], 0, 63)).max() < 6


@pytest.mark.parametrize("kind", CONTROLS)
def test_every_control_is_a_video_that_changes_with_the_clip(square: Sprite, kind: str) -> None:
    rng = np.random.default_rng(5)
    control = CONTROLS[kind][1]
    moving = control(shot(square, path("left", 17, rng), "brick", "pan left", rng))
    resting = control(shot(square, path("still", 17, rng), "brick", "static", rng))
    assert moving.shape == (17, 64, 64, 3)
    assert moving.dtype == np.uint8
    assert np.abs(moving.astype(int) - resting).mean() > 1


def test_wandering_stays_in_the_frame_and_is_smooth() -> None:
    for seed in range(30):
        places = wander(25, np.random.default_rng(seed))
        steps = np.diff([(p.x, p.y) for p in places], axis=0)
        assert all(8 <= p.x <= 56 and 8 <= p.y <= 56 for p in places)
        assert np.hypot(*steps.T).max() < 12


def test_captions_tell_the_camera_and_fit_the_tokenizer(tokenizer: T5Tokenizer) -> None:
    rng = np.random.default_rng(6)
    for _ in range(300):
        scene = random_scene(rng, None, scenic=True)
        text = caption(scene, rng)
        told = [camera for camera in CAMERAS if any(view in text.lower() for view in VIEWS[camera])]
        assert (scene.camera in told) == (scene.camera != "static") or told == ["static"]
        pieces = tokenizer.tokenize(text)
        assert len(pieces) < MAX_LENGTH, text
        assert not any(len(piece) == 1 and piece.isalpha() for piece in pieces), "a word fell into letters"


def test_some_scenes_are_plain_and_their_camera_stands_still() -> None:
    scenes = [random_scene(np.random.default_rng(seed), scenic=True) for seed in range(600)]
    assert {s.background for s in scenes} == set(GROUNDS)
    assert {s.camera for s in scenes} == set(CAMERAS)
    assert all(s.camera == "static" for s in scenes if s.background in PLAIN)
    assert {s.motion for s in scenes} == set(MOTIONS)


def test_a_caption_may_keep_subject_and_motion_to_itself() -> None:
    text = caption(Scene(SOMETHING, ANY, "blue"), np.random.default_rng(7)).lower()
    assert "something" in text
    assert "a something" not in text


def test_masks_of_inpainting_hide_a_part_and_some_of_them_move() -> None:
    masks = [random_mask("inpaint", 17, np.random.default_rng(seed)) for seed in range(60)]
    assert all(0.05 < mask.mean() < 0.95 for mask in masks)
    moving = sum(bool((mask[0] != mask[-1]).any()) for mask in masks)
    outside = sum(bool(mask[:, 0, 0].all() and mask[:, -1, -1].all()) for mask in masks)
    assert 8 < moving < 40
    assert 5 < outside < 35


def test_the_plan_holds_every_task_or_those_asked_for() -> None:
    assert {task for task, _ in plan(12_000, 0.15)} == set(SHARES)
    assert {task for task, _ in plan(2_000, 0.15, ("control", "scene"))} == {"control", "scene"}


def test_words_keep_their_embeddings_in_a_larger_vocabulary(tokenizer: T5Tokenizer) -> None:
    """Fails when rows are taken by their place and not by their piece: tried."""
    pieces = ["<pad>", "</s>", "<unk>", "▁red", "▁cat", "▁left"]
    before, after = T5Tokenizer(vocab=[(piece, 0.0) for piece in pieces], extra_ids=0), tokenizer
    known, vocabulary = before.get_vocab(), after.get_vocab()
    rows = 100.0 + torch.arange(2.0 * len(before)).view(-1, 2)
    moved = moved_rows(rows, before, after)
    assert moved.shape == (len(after), 2)
    assert any(known[piece] != vocabulary[piece] for piece in pieces)
    for piece in pieces:
        assert torch.equal(moved[vocabulary[piece]], rows[known[piece]])
    assert moved[vocabulary["▁camera"]].max() < 90, "a new word begins at random"

"""Conditioning items through the recipes, on a tiny checkpoint of the real classes: each has its effect on frames."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tests.unit.longvideo.rendering import frames_of
from vidgen.errors import SpecError
from vidgen.longvideo.planner import Window
from vidgen.media.reader import read_frames_pyav
from vidgen.media.writer import write_video
from vidgen.motion.canvas import Use
from vidgen.motion.control_video import ControlVideo
from vidgen.motion.items import Items, NamedItem
from vidgen.pipelines import Residency
from vidgen.pipelines.conditions import Conditions
from vidgen.pipelines.control_frames import ClipReader, DrawnControl
from vidgen.pipelines.resolved import Resolved
from vidgen.pipelines.window_control import WindowControl
from vidgen.runtime.context import RunContext
from vidgen.spec import Control, ExtendVideo, ImageToVideo, MediaRef, TextToVideo, VideoToVideo, resolve
from vidgen_models.registry import ModelRegistry

SIDE, FRAMES = 32, 9
CLIP, PAINTED = MediaRef(upload_id="upl_clip"), MediaRef(upload_id="upl_painted")
PATH = {"points": [{"x": 0.2, "y": 0.5}, {"x": 0.8, "y": 0.5}]}


@pytest.fixture(scope="module")
def residency(tiny_registry) -> Residency:
    return Residency(tiny_registry)


@pytest.fixture(scope="module")
def media(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("media")
    frames = np.full((17, SIDE, SIDE, 3), (40, 60, 90), np.uint8)
    for number in range(17):
        frames[number, 8:24, number : number + 12] = (230, 120, 40)
    painted = np.zeros((SIDE, SIDE, 3), np.uint8)
    painted[8:24, 8:24] = 255
    cv2.imwrite(str(folder / "painted.png"), painted)
    clip = write_video([frames], folder / "clip.mp4", fps=8).path
    return {CLIP.key: clip, PAINTED.key: folder / "painted.png"}


def made(residency, media, kind=TextToVideo, **fields) -> np.ndarray:
    asked = {"model": "tiny", "prompt": "a red cat", "seed": 3, "num_frames": FRAMES, "num_inference_steps": 2}
    size = {"width": SIDE, "height": SIDE}
    return frames_of(residency, kind.model_validate(asked | size | fields), media=media)


@pytest.fixture(scope="module")
def plain(residency, media) -> np.ndarray:
    return made(residency, media)


def differs(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and not np.array_equal(a, b)


ITEMS = {
    "canny": {"controls": [{"kind": "canny", "video": CLIP}]},
    "flow": {"controls": [{"kind": "flow", "video": CLIP}]},
    "layout": {"controls": [{"kind": "layout", "video": CLIP}]},
    "drawn": {"controls": [{"kind": "depth", "video": CLIP, "drawn": True}]},
    "picture": {"controls": [{"kind": "gray", "video": PAINTED}]},
    "two": {"controls": [{"kind": "canny", "video": CLIP}, {"kind": "gray", "video": CLIP, "weight": 0.5}]},
    "camera": {"camera": {"pan": 5}},
    "trajectory": {"trajectories": [PATH]},
    "brush": {"brushes": [{"media": PAINTED, **PATH}]},
    "reference": {"references": [{"image": PAINTED}]},
    "prefix": {"prefix": {"video": CLIP}},
    "suffix": {"suffix": {"video": CLIP}},
}


@pytest.mark.parametrize("name", ITEMS)
def test_each_item_changes_the_clip(residency, media, plain, name):
    """Fails when `Conditions` leaves an item out: tried (references)."""
    assert differs(made(residency, media, **ITEMS[name]), plain)


def test_a_control_without_weight_changes_nothing(residency, media, plain):
    """The control of the test above."""
    assert np.array_equal(made(residency, media, controls=[{"kind": "canny", "video": CLIP, "weight": 0}]), plain)


def test_numbers_of_an_item_matter(residency, media):
    """Each pair differs in one number alone."""
    pairs = (
        ({"camera": {"pan": 5}}, {"camera": {"pan": -5}}),
        ({"camera": {"pan": 5}}, {"camera": {"pan": 5}, "motion_strength": 0.5}),
        (ITEMS["canny"], {"controls": [{**ITEMS["canny"]["controls"][0], "weight": 0.5}]}),
        (ITEMS["canny"], {"controls": [{**ITEMS["canny"]["controls"][0], "end": 0.5}]}),
    )
    for one, other in pairs:
        assert differs(made(residency, media, **one), made(residency, media, **other)), other


def test_items_stand_beside_a_first_picture(residency, media):
    first = {"kind": ImageToVideo, "image": PAINTED}
    both = made(residency, media, **first, camera={"zoom": 5})
    assert differs(both, made(residency, media, **first))
    assert differs(both, made(residency, media, camera={"zoom": 5}))


@pytest.mark.parametrize(
    "masked",
    [
        {"mask": {"media": PAINTED, "feather": 0}},
        {"mask": {"box": {"left": 0.25, "top": 0.25, "right": 0.75, "bottom": 0.75}, "feather": 0.1}},
    ],
    ids=["media", "box"],
)
def test_outside_of_a_mask_the_source_stays_as_it_is(residency, media, masked):
    """Exactly; inside it is new. Fails when what was made is not put into the source: tried."""
    source = read_frames_pyav(media[CLIP.key], list(range(FRAMES)))
    inner = np.zeros((SIDE, SIDE), bool)
    inner[8:24, 8:24] = True
    new = made(residency, media, VideoToVideo, video=CLIP, **masked)
    assert np.array_equal(new[:, ~inner], source[:, ~inner])
    assert np.abs(new[:, inner].astype(int) - source[:, inner]).mean() > 8
    around = made(residency, media, VideoToVideo, video=CLIP, mask=masked["mask"] | {"invert": True, "feather": 0})
    assert np.array_equal(around[:, inner], source[:, inner])
    assert np.abs(around[:, ~inner].astype(int) - source[:, ~inner]).mean() > 8


def test_a_mask_clip_is_followed_frame_by_frame(residency, media, tmp_path):
    masks = np.zeros((17, SIDE, SIDE, 3), np.uint8)
    for number in range(17):
        masks[number, :, : 16 if number < 5 else 0] = 255
    path = write_video([masks], tmp_path / "mask.mp4", fps=8).path
    ref = MediaRef(upload_id="upl_mask")
    source = read_frames_pyav(media[CLIP.key], list(range(FRAMES)))
    new = made(residency, media | {ref.key: path}, VideoToVideo, video=CLIP, mask={"media": ref, "feather": 0})
    assert np.array_equal(new[5:], source[5:])
    assert np.array_equal(new[:5, :, 16:], source[:5, :, 16:])
    assert not np.array_equal(new[:5, :, :16], source[:5, :, :16])


def test_room_around_a_clip_is_filled_and_the_clip_lies_within(residency, media):
    """The source's middle column lies in the middle of the right half. Fails when it is put elsewhere: tried."""
    new = made(residency, media, VideoToVideo, video=CLIP, outpaint={"left": 1, "feather": 0})
    source = read_frames_pyav(media[CLIP.key], list(range(FRAMES)))
    inside = new[:, :, 16:].astype(int)
    # the source covers 16 x 32 pixels: its middle, as every picture is cut to what it shall fill
    assert np.abs(inside - source[:, :, 8:24]).mean() < 2
    assert not np.array_equal(new[:, :, :16], np.repeat(new[:, :, 16:17], 16, 2))


def test_a_control_shorter_than_the_clip_is_refused(residency, media):
    with pytest.raises(SpecError) as caught:
        made(residency, media, num_frames=21, controls=[{"kind": "canny", "video": CLIP}])
    assert (caught.value.field, caught.value.nearest) == ("controls.0.video", (17,))


def test_windows_of_a_long_clip_are_led_as_the_whole_would_be():
    """On the shipped autoencoder, a window's context is that of its frames in one stream.

    Fails when a window's frames are counted from elsewhere: tried (by one group).
    """
    rng = np.random.default_rng(2)
    frame = cv2.resize(rng.integers(0, 255, (4, 4, 3)).astype(np.uint8), (64, 64))
    clip = np.stack([np.roll(frame, 2 * n, axis=1) for n in range(41)])
    read = ControlVideo(lambda first, count: clip[first : first + count], Use())
    registry = ModelRegistry()
    spec = resolve(TextToVideo(num_frames=41), registry.get("sprites-64").rules)
    model = Residency(registry).model("sprites-64")
    control = WindowControl(model, Items([NamedItem(read, "moving")]), Resolved.of(spec), (1,))
    with torch.inference_mode():
        (whole,) = control.of(Window(0, 0, 0, 0, 11, 0)).layers
        (piece,) = control.of(Window(1, 0, 0, 6, 10, 2)).layers
    error = (piece.context - whole.context[:, :, 6:10]).abs().mean()
    beside = (piece.context - whole.context[:, :, 7:11]).abs().mean()
    assert error < 0.1 * beside


def test_a_long_clip_follows_its_camera_in_every_window(residency, media):
    """Windows after the first change, too, and by more than what they take over from it."""
    long = {"num_frames": 45, "seed": 5}
    plain, led = made(residency, media, **long), made(residency, media, **long, camera={"pan": 6})
    late = made(residency, media, **long, camera={"keys": [{"at": 0.7, "pan": 0}, {"at": 0.75, "pan": 9}]})
    assert differs(plain[25:], led[25:])
    assert differs(plain[37:], late[37:])


EXTENDED = {"kind": ExtendVideo, "video": CLIP, "from_frame": 8, "num_frames": 8, "num_inference_steps": 1}


@pytest.mark.parametrize("name", ["canny", "flow", "camera", "trajectory", "reference", "suffix"])
def test_each_item_leads_the_new_part_of_an_extension_and_nothing_else(residency, media, name):
    """Fails when an extension is made without its items: tried."""
    plain = made(residency, media, **EXTENDED)
    led = made(residency, media, **EXTENDED, **ITEMS[name])
    assert plain.shape == led.shape
    assert np.array_equal(plain[:1], led[:1])  # before the frames that fade into what is new
    assert differs(plain[9:], led[9:])


def test_a_control_counts_from_the_first_new_frame_of_an_extension(residency, media, tmp_path):
    """What a control shows beyond the new part says nothing. Fails when it counts from the clip's beginning: tried."""
    frames = read_frames_pyav(media[CLIP.key], range(17))
    asked = {"controls": [{"kind": "gray", "video": PAINTED, "drawn": True}]}

    def extended(shown: np.ndarray, **fields) -> np.ndarray:
        # drawn, so that no neighbour is looked at
        path = write_video([shown], tmp_path / "shown.mp4", fps=8, crf=0).path
        return made(residency, media | {PAINTED.key: path}, **{**EXTENDED, **fields}, **asked)

    late, early = frames.copy(), frames.copy()
    late[12:], early[:4] = 255 - late[12:], 255 - early[:4]
    own = extended(frames)
    assert np.array_equal(own, extended(late))
    assert differs(own, extended(early))


def test_before_a_clips_first_frame_a_control_rests_on_it(media):
    asked = Resolved(width=SIDE, height=SIDE, num_frames=9, fps=8, seed=0, num_inference_steps=1, guidance_scale=1.0)
    reader = ClipReader(media[CLIP.key], CLIP, asked, "controls.0.video")
    edges = DrawnControl(Control(kind="canny", video=CLIP), reader).read(-3, 6)
    assert len(edges) == 6
    assert (edges[:4] == edges[0]).all()
    assert (edges[4] != edges[3]).any()
    motion = DrawnControl(Control(kind="flow", video=CLIP), reader).motion(-3, 6)
    assert motion.shape == (6, 2, SIDE, SIDE)
    assert np.abs(motion[:4]).max() < 0.1
    assert np.abs(motion[4]).max() > 0.5


ROUND = {"points": [{"x": 0.3, "y": 0.5}, {"x": 0.7, "y": 0.5}, {"x": 0.3, "y": 0.5}]}
LOOP = {"num_frames": 12, "long": {"loop": True}, "num_inference_steps": 1}


@pytest.mark.parametrize(
    "items", [ITEMS["canny"], ITEMS["flow"], {"trajectories": [ROUND]}, {"brushes": [{"media": PAINTED, **ROUND}]}]
)
def test_what_comes_back_to_its_beginning_leads_a_loop(residency, media, items):
    assert differs(made(residency, media, **LOOP), made(residency, media, **LOOP, **items))


def test_in_a_loop_a_control_and_a_path_go_round(residency, media):
    """Before the first frame lies the last one, and after the last the first. Fails when ends repeat: tried."""
    asked = {"model": "tiny", "width": SIDE, "height": SIDE, "fps": 8, "trajectories": [ROUND]} | LOOP
    asked["controls"] = [{"kind": "gray", "video": CLIP, "drawn": True}]
    model = residency.registry.get("tiny")
    spec = resolve(TextToVideo.model_validate(asked), model.rules)
    items = Conditions(spec, RunContext(media=media), model.rules.conditioning).items()
    canvas = items.canvas(-1, 14, 12, SIDE, SIDE)
    (layer,) = canvas.layers
    assert torch.equal(layer.pixels[:, :, 0], layer.pixels[:, :, 12])
    assert torch.equal(layer.pixels[:, :, 1], layer.pixels[:, :, 13])
    assert not torch.equal(layer.pixels[:, :, 0], layer.pixels[:, :, 1])
    (track,) = canvas.tracks
    assert [round(box.left - track[1].left, 3) for box in (track[1], track[7], track[13])] == [0, 0.4, 0]
    assert track[0] == track[12]

"""Which latents of a window its regions are judged on: those that it newly made, and no others."""

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from tests.unit.longvideo.rendering import frames_of
from tests.unit.stages.test_judge import CAT, DOG, Knowing
from vidgen.longvideo.judging import verdicts
from vidgen.longvideo.order import Order
from vidgen.longvideo.planner import Window
from vidgen.media.writer import write_video
from vidgen.pipelines import Residency
from vidgen.runtime.context import RunContext
from vidgen.runtime.verdict import Errors, Verdict
from vidgen.spec import ExtendVideo, MediaRef, TextToVideo
from vidgen.stages.judge import Judge

SIDE = 4
CLIP = MediaRef(artifact_id="art_clip")
HALF = {"box": {"left": 0, "top": 0, "right": 0.5, "bottom": 1}, "prompt": "a dog", "feather": 0}


def judged(window: Window, cat: slice, **given: Any) -> Errors:
    """Of a clip that shows a dog in front and `cat` of its frames behind, whose region everywhere asks for a cat."""
    dog, seen = torch.randn(2, 1, 4, window.length, SIDE, SIDE, generator=torch.Generator().manual_seed(5))
    model: Any = Knowing(seen, dog)
    clip = dog.clone()
    clip[:, :, cat] = seen[:, :, cat]
    everywhere = SimpleNamespace(weights=torch.ones(1, 1, window.length, SIDE, SIDE))
    part = SimpleNamespace(
        field="regions.0", weight=1.0, text=SimpleNamespace(positive=CAT), within=lambda *_: everywhere
    )
    text: Any = SimpleNamespace(positive=DOG, parts=(part,))
    (verdict,) = verdicts(model, Order(window, 3, "a dog", **given), clip, text, None, RunContext())
    return verdict.inside


def test_an_extension_is_judged_on_none_of_the_clip_that_it_goes_on_from():
    """Nor on what leads up to a later clip, on held pictures, or on what a source keeps: all of that shows a dog.

    Fails when the whole window is summed: tried, as it was (-0.28 for the first).
    """
    pin, kept = torch.zeros(1, 4, 1, SIDE, SIDE), torch.ones(1, 1, 8, SIDE, SIDE)
    kept[:, :, 5:] = 0
    cases: list[tuple[Window, slice, dict[str, Any]]] = [
        (Window(0, 0, 0, 20, 28, head=5), slice(5, 8), {}),
        (Window(0, 0, 0, 0, 8, head=0, tail=6), slice(0, 2), {}),
        (Window(0, 0, 0, 0, 8, head=0), slice(1, 8), {"pins": {0: pin}}),
        (Window(0, 0, 0, 0, 8, head=0), slice(5, 8), {"kept": kept}),
    ]
    for window, cat, given in cases:
        found = judged(window, cat, **given)
        assert found.preference == pytest.approx(1, abs=1e-4)
    # the control: what is there before counts where the window made it
    whole = judged(Window(0, 0, 0, 0, 8, head=0), slice(5, 8))
    assert whole.preference is not None
    assert whole.preference < 0


def ones(self: Judge, text: torch.Tensor, control: Any) -> torch.Tensor:  # noqa: ARG001
    return torch.ones_like(self.latents[0, 0])


def places_judged(tiny_registry, spec, **context: Any) -> float:
    """How many latent frames are summed, of all windows together."""
    said: list[Verdict] = []
    frames_of(Residency(tiny_registry), spec, on_verdict=said.append, **context)
    count = sum(it.inside.own + it.outside.own for it in said)
    return count / (SIDE * SIDE)


def test_every_latent_frame_that_is_made_is_judged_once(tiny_registry, tmp_path, monkeypatch):
    """An extension adds what is new of it alone. Fails when what two windows share counts in both: tried, as it was
    (15 in place of 11)."""
    monkeypatch.setattr(Judge, "errors", ones)
    asked: Any = {"model": "tiny", "prompt": "a cat", "seed": 3, "num_inference_steps": 1, "regions": [HALF]}
    asked |= {"width": 32, "height": 32, "long": {"rerolls": 0}}
    assert places_judged(tiny_registry, TextToVideo(**asked, num_frames=41)) == 11
    source = np.full((25, 32, 32, 3), 90, np.uint8)
    media = {CLIP.key: write_video([source], tmp_path / "clip.mp4", fps=8).path}
    longer = ExtendVideo(**asked, num_frames=8, video=CLIP)
    assert places_judged(tiny_registry, longer, media=media) == 2


def test_regions_beside_a_reference_are_judged_with_its_picture_in_front(tiny_registry, tmp_path):
    """Its frames are told to the network and count for nothing. Fails when the judge lacks its latents: tried."""
    cv2.imwrite(str(tmp_path / "p.png"), np.full((32, 32, 3), 200, np.uint8))
    picture = MediaRef(upload_id="upl_p")
    asked: Any = {"model": "tiny", "prompt": "a cat", "seed": 3, "num_inference_steps": 1, "num_frames": 9}
    asked |= {"width": 32, "height": 32, "regions": [HALF], "references": [{"image": picture}]}
    said: list[Verdict] = []
    media = {picture.key: tmp_path / "p.png"}
    frames_of(Residency(tiny_registry), TextToVideo(**asked), media=media, on_verdict=said.append)
    (verdict,) = said
    for errors in (verdict.inside, verdict.outside):
        assert errors.preference is not None
        assert -1 < errors.preference < 1

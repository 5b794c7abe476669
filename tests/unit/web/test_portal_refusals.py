"""What is wrong in the composer stands beside the very field, and is tied to it for screen readers."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.unit.web.led_rules import RULES
from tests.unit.web.portal_forms import send
from vidgen.jobs.service import ControlPlane
from vidgen_models.registry import ModelRegistry
from vidgen_models.shelf import Shelf
from vidgen_web.portal.composer.complaints import Complaints

CLIP = {"controls.1.kind": "canny", "controls.1.video.artifact_id": "art_gone"}
WRONG = [
    ({"camera.pan": "11"}, "camera.pan", "Pan (right): may be at most 10"),
    (
        {"camera.keys.1.at": "0", "camera.keys.2.zoom": "3"},
        "camera.keys.2.at",
        "Moment 3: At (share of the time): must",
    ),
    ({"camera.keys.1.at": "0", "camera.keys.1.pan": "x"}, "camera.keys.1.pan", "Moment 2: Pan (right): give a number"),
    # the second row is the spec's first: nothing is said of the first one
    (
        {"trajectories.1.points.0.x": "9", "trajectories.1.points.0.y": "0"},
        "trajectories.1.points.0.x",
        "x of point 1:",
    ),
    ({"trajectories.0.points.1.x": "0.5"}, "trajectories.0.points.1.y", "y of point 2: must be given"),
    ({"brushes.1.points.0.x": "0.1", "brushes.1.points.0.y": "9"}, "brushes.1.points.0.y", "y of point 1: may be"),
    ({**CLIP, "controls.1.weight": "9"}, "controls.1.weight", "Weight: may be at most 2"),
    (CLIP, "controls.1.video", "Control video 2: "),
    ({"motion_strength": "9"}, "motion_strength", "Strength of the motion: may be at most 2"),
    ({"advanced.shift": "99"}, "advanced.shift", "Shift towards noise: may be at most"),
    ({"advanced.eta": "0.5"}, "advanced", "Eta: "),
    ({"long.overlap": "x"}, "long.overlap", "Frames carried over: give a whole number"),
    (
        {"post.sharpen.on": "1", "post.upscale.on": "1", "post.upscale.factor": "9"},
        "post.upscale.factor",
        "Times the size",
    ),
    ({"output.quality": "x"}, "output.quality", "Quality: choose one of draft"),
    ({"seed": "-5"}, "seed", "Seed: "),
    ({"negative_prompt": "x" * 2001}, "negative_prompt", "Negative prompt: may have at most"),
    ({"count": "9"}, "count", "Number of clips: 9 is too many: 1 to 8 at once; the nearest is 8"),
    ({"count": "0"}, "count", "Number of clips: 0 is too few: 1 to 8 at once; the nearest is 1"),
    (
        {
            "task": "storyboard",
            "prompt": "",
            "segments.0.prompt": "",
            "segments.1.seconds": "1",
            "segments.2.prompt": "a cat",
        },
        "segments.1.prompt",
        "Part 2, prompt: say what it should show",
    ),
    (
        {"task": "storyboard", "segments.0.prompt": "", "segments.1.prompt": "a dog"},
        "segments.1.seconds",
        "Part 2, seconds: give frames or seconds",
    ),
    (
        {"task": "keyframes", "keyframes.0.upload_id": "", "keyframes.1.artifact_id": "art_gone"},
        "keyframes.1",
        "Picture 2: ",
    ),
]


class Parts(HTMLParser):
    """Every tag's attributes, and the texts of those with an id."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[dict[str, str | None]] = []
        self.texts: dict[str, str] = {}
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append({"": tag, **dict(attrs)})
        self._open = dict(attrs).get("id") or self._open

    def handle_data(self, data: str) -> None:
        self.texts[self._open] = self.texts.get(self._open, "") + data


@pytest.fixture(autouse=True)
def led(settings: Any, app: Flask) -> None:  # noqa: ARG001 - the folders are there with the app
    """A model that takes most items."""
    shipped = ModelRegistry().get("sprites-64")
    rules = shipped.rules.model_copy(update={"conditioning": RULES})
    Shelf(settings.added_models).put(shipped.model_copy(update={"id": "led", "memory": (), "rules": rules}))


def test_what_is_wrong_stands_beside_its_field(client: FlaskClient, plane: ControlPlane) -> None:
    """Fails when a group tells it, when a row has the number that the spec gives it, or without the tie: tried."""
    for form, name, message in WRONG:
        status, page = send(client, **{"prompt": "a cat", "model": "led", "num_frames": "9", **form})
        parts = Parts(page)
        told = parts.texts.get(f"{name}-error", "")
        assert (status, told.startswith(message)) == (422, True), (
            name,
            re.findall(r'class="wrong"[^>]*>([^<]+)', page),
        )
        assert sum(message in text for place, text in parts.texts.items() if place.endswith("-error")) == 1, name
        assert "needs another look" in parts.texts["form-error"]
        if name == "advanced":  # this model has no control for it
            continue
        control = next(tag for tag in parts.tags if tag.get("name") == name and tag[""] != "button")
        assert f"{name}-error" in (control["aria-describedby"] or "").split()
        assert control["aria-invalid"] == "true"
    assert not plane.jobs.list().items


def test_each_complaint_is_told_once() -> None:
    """By the place that asks first; what none asks for is left for the top. Fails when nothing is marked: tried."""
    wrongs = Complaints({"camera.pan": "a", "camera.keys": "b", "nowhere": "c", "recipe": "d"})
    assert wrongs.has("zoom", "camera")
    assert (wrongs.tell("camera.pan"), wrongs.tell("camera"), wrongs.tell("camera")) == ("a", "b", "")
    assert (wrongs.tell(but="recipe"), wrongs.tell("recipe")) == ("c", "d")

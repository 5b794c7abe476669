"""The composer's camera, paths, brushes, masks and controls: what it offers, asks of the service, and brings back."""

import io
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from tests.unit.web.led_rules import RULES
from tests.unit.web.portal_forms import send
from vidgen.jobs.service import ControlPlane
from vidgen.spec import ConditioningRules
from vidgen.spec.conditioning.camera import PRESET_SPEED
from vidgen_models.registry import ModelRegistry
from vidgen_models.shelf import Shelf

PATH = {"trajectories.0.points.0.x": "0.2", "trajectories.0.points.0.y": "0.5"}
PATH |= {"trajectories.0.points.1.x": "0.8", "trajectories.0.points.1.y": "0.5", "trajectories.0.points.2.x": ""}
PNG = b"\x89PNG"


@pytest.fixture(autouse=True)
def led(settings: Any, app: Flask) -> None:  # noqa: ARG001 - the folders are there with the app
    """Models like the shipped one: `led` takes most items, `bare` none."""
    shipped = ModelRegistry().get("sprites-64")
    for name, items in (("led", RULES), ("bare", ConditioningRules())):
        rules = shipped.rules.model_copy(update={"conditioning": items, "regions": name == "led"})
        Shelf(settings.added_models).put(shipped.model_copy(update={"id": name, "memory": (), "rules": rules}))


def sent(client: FlaskClient, plane: ControlPlane, **form: Any) -> Any:
    status, where = send(client, **{"prompt": "a cat", "model": "led", "num_frames": "9", **form})
    assert status == 303, re.findall(r'class="wrong"[^>]*>([^<]+)|<p>([^<]+)</p>', where)
    return plane.jobs.list().items[0]


def section(client: FlaskClient, query: str = "model=led&with=motion") -> str:
    page = client.get(f"/?{query}").get_data(as_text=True)
    start = page.find('id="section-motion"')
    return page[start : page.index("</details>", start)] if start >= 0 else ""


def test_only_what_the_model_takes_is_shown(client: FlaskClient) -> None:
    """Fails when axes or controls are not looked up in the model's rules: tried."""
    assert section(client, "model=bare&with=motion") == ""
    shown = section(client)
    assert {"pan", "tilt", "zoom"} == {*re.findall(r'id="camera\.(\w+)"', shown)} - {"preset"}
    assert re.findall(r'<option value="([\w-]+)"', shown[shown.index("camera.preset") :])[:3] == [
        "static",
        "pan-left",
        "pan-right",
    ]
    assert "orbit-left" not in shown
    kinds = re.search(r'name="controls\.0\.kind"[^>]*>(.*?)</select>', shown, re.S)
    assert kinds is not None
    assert re.findall(r'value="([\w-]+)"', kinds[1]) == ["canny", "flow"]
    for name in ("paths", "brushes", "mask", "outpaint", "controls", "references", "ends"):
        assert f'<fieldset id="{name}"' in shown


def test_a_path_is_told_in_numbers(client: FlaskClient, plane: ControlPlane) -> None:
    """Rows without a point are left out, the numbers come back. Fails when they are not: tried."""
    job = sent(client, plane, **PATH, **{"trajectories.0.width": "0.3"})
    (path,) = job.spec.trajectories
    assert [(point.x, point.y, point.at) for point in path.points] == [(0.2, 0.5, 0.0), (0.8, 0.5, 1.0)]
    assert path.width == 0.3
    shown = section(client, f"reuse={job.id}")
    assert re.search(r'name="trajectories\.0\.points\.1\.x"[^>]*value="0\.8"', shown)
    status, page = send(client, model="led", prompt="a cat", **{name: PATH[name] for name in [*PATH][:2]})
    assert (status, "Path 1: " in page) == (422, True)


def test_the_camera_moves_by_numbers_and_over_time(client: FlaskClient, plane: ControlPlane) -> None:
    speeds = {"camera.pan": "-3.5", "camera.tilt": "0", "camera.zoom": ""}
    assert sent(client, plane, **speeds).spec.camera.speeds()["pan"] == -3.5
    keys = {"camera.keys.0.at": "0", "camera.keys.0.zoom": "8", "camera.keys.1.at": "1", "camera.keys.1.zoom": ""}
    camera = sent(client, plane, **speeds, **keys).spec.camera
    assert [(key.at, key.zoom, key.pan) for key in camera.keys] == [(0, 8, 0), (1, 0, 0)]
    assert sent(client, plane, **{"camera.pan": "0"}).spec.camera is None
    assert sent(client, plane, **{"camera.preset": "zoom-in"}).spec.camera.zoom == PRESET_SPEED
    status, page = send(client, model="led", prompt="a cat", **{"camera.pan": "11"})
    assert (status, "Pan (right): " in page, 'value="11"' in page) == (422, True, True)


def test_a_moment_of_the_camera_is_asked_when_it_is(client: FlaskClient) -> None:
    """Fails when speeds without a moment are left out without a word: tried."""
    keys = {"camera.keys.0.at": "0", "camera.keys.0.zoom": "8", "camera.keys.1.at": "", "camera.keys.1.zoom": "3"}
    status, page = send(client, model="led", prompt="a cat", **keys)
    assert (status, 'name="camera.keys.1.zoom"' in page) == (422, True)
    assert re.search(r'class="wrong" id="camera\.keys\.1\.at-error"[^>]*>Moment 2: [^<:]+: must be given', page)


def test_masks_controls_brushes_and_references_bring_files(client: FlaskClient, plane: ControlPlane) -> None:
    files = {"controls.0.video": (io.BytesIO(PNG), "edges.png"), "brushes.0.media": (io.BytesIO(PNG), "region.png")}
    files |= {"references.1.image": (io.BytesIO(PNG), "who.png")}
    told = {"controls.0.kind": "canny", "controls.0.weight": "0.5", "controls.0.drawn": "1", "controls.1.kind": "flow"}
    told |= {name.replace("trajectories", "brushes"): value for name, value in PATH.items()}
    told |= {"references.0.kind": "subject", "references.1.kind": "subject", "motion_strength": "1.5"}
    spec = sent(client, plane, **told, **files).spec
    assert [(it.kind, it.weight, it.drawn) for it in spec.controls] == [("canny", 0.5, True)]
    assert len(spec.brushes) == len(spec.references) == 1
    assert spec.motion_strength == 1.5
    assert all(ref.upload_id for ref in (spec.controls[0].video, spec.brushes[0].media, spec.references[0].image))
    again = section(client, f"reuse={plane.jobs.list().items[0].id}")
    assert re.search(r'name="controls\.0\.video\.upload_id" value="upl_', again)


def test_a_mask_belongs_to_a_restyle(client: FlaskClient, plane: ControlPlane) -> None:
    box = {f"mask.box.{side}": value for side, value in zip(("left", "top", "right", "bottom"), "0011", strict=True)}
    box |= {"mask.box.right": "0.5", "mask.feather": "0.1"}
    assert sent(client, plane, **box).spec.task == "text-to-video"
    clip = {"video": (io.BytesIO(b"\0\0\0\x18ftypmp42 clip"), "a.mp4")}
    mask = sent(client, plane, task="video-to-video", **box, **clip).spec.mask
    assert (mask.box.right, mask.feather) == (0.5, 0.1)
    clip = {"video": (io.BytesIO(b"\0\0\0\x18ftypmp42 clip"), "a.mp4")}
    assert sent(client, plane, task="video-to-video", **{"outpaint.left": "0.5"}, **clip).spec.outpaint.left == 0.5


def test_rows_are_added_up_to_a_limit(client: FlaskClient) -> None:
    page = send(client, "/composer", model="led", add_row="trajectories.0.points", **PATH, **{"section.motion": "1"})[1]
    assert len(re.findall(r'name="trajectories\.0\.points\.\d+\.x"', page)) == 4
    page = send(client, "/composer", model="led", add_row="camera.keys", **{"section.motion": "1"})[1]
    assert len(re.findall(r'name="camera\.keys\.\d+\.at"', page)) == 2
    many = {"trajectories.0.points.99.x": "1", "camera.keys.98.at": "1", "trajectories.99.width": "1"}
    page = send(client, "/composer", model="led", add_row="nonsense.here", **many)[1]
    assert len(re.findall(r'name="camera\.keys\.\d+\.at"', page)) == 32
    assert len(re.findall(r'name="trajectories\.\d+\.width"', page)) == 8


def test_a_frame_of_a_clip_becomes_a_reference(client: FlaskClient, worker: SimulatedWorker) -> None:
    send(client, prompt="a cat", model="led")
    job_id = worker.run()
    page = client.get(f"/?job={job_id}").get_data(as_text=True)
    clip = re.search(r'name="source" value="(art_[^"]+)"', page)
    assert clip is not None
    assert 'name="slot" value="references"' in page
    shown = section(client, f"mode=image&slot=references&source={clip[1]}&number=3&model=led")
    assert re.search(rf'name="references\.0\.image\.artifact_id" value="{clip[1]}"', shown)
    assert 'name="references.0.image.frame" value="2"' in shown


def test_the_composer_begins_with_the_chosen_model(client: FlaskClient) -> None:
    assert '<option value="sprites-64" selected' in client.get("/").get_data(as_text=True)
    assert send(client, "/settings/model", model="led") == (303, "/settings/model")
    assert '<option value="led" selected' in client.get("/").get_data(as_text=True)
    assert send(client, "/settings/model", model="gone")[0] == 303
    assert 'value="led" checked' in client.get("/settings/model").get_data(as_text=True)


def test_another_model_keeps_what_was_chosen(client: FlaskClient) -> None:
    """As far as it takes it. Fails when the composer begins anew, or keeps what is not taken: tried."""
    chosen = {"prompt": "kept", "count": "3", "project": "Cats", "num_inference_steps": "7", "made_for": "led"}
    chosen |= {"camera.pan": "2", "image.upload_id": "upl_1", "segments.0.prompt": "a part", "section.motion": "1"}
    page = send(client, "/composer", model="bare", task="image-to-video", **chosen)[1]
    assert ">kept</textarea>" in page
    for name, value in (("count", "3"), ("project", "Cats"), ("num_inference_steps", "7"), ("made_for", "bare")):
        assert re.search(rf'name="{name}"[^>]* value="{value}"', page), name
    assert 'name="image.upload_id" value="upl_1"' in page
    assert 'value="image-to-video" checked' in page
    assert '<option value="bare" selected' in page
    assert "camera.pan" not in page
    assert "takes none" not in page
    kept = send(client, "/composer", model="led", **{**chosen, "made_for": "bare"})[1]
    assert re.search(r'name="camera\.pan"[^>]* value="2"', kept)


def test_parts_of_the_frame_have_a_prompt_of_their_own(client: FlaskClient, plane: ControlPlane) -> None:
    """By a box or a mask, and come back. Fails when their rows are not read: tried."""
    box = {f"regions.1.box.{side}": text for side, text in zip(("left", "top", "right", "bottom"), "0011", strict=True)}
    form = {"regions.1.prompt": "a red ground", **box, "regions.1.box.right": "0.5", "regions.1.weight": "0.8"}
    mask = {"regions.2.prompt": "a dog", "regions.2.media": (io.BytesIO(PNG), "here.png"), "regions.0.prompt": ""}
    job = sent(client, plane, **form, **mask)
    (left, painted) = job.spec.regions
    assert (left.prompt, left.box.right, left.weight) == ("a red ground", 0.5, 0.8)
    assert painted.media.upload_id
    shown = section(client, f"reuse={job.id}")
    assert re.search(r'name="regions\.0\.prompt"[^>]*value="a red ground"', shown)
    assert re.search(r'name="regions\.1\.media\.upload_id" value="upl_', shown)
    status, page = send(client, model="led", prompt="a cat", **{"regions.1.prompt": "a dog"})
    assert (status, 'id="regions.1-error"' in page, "Part of the frame 2: give box or media" in page) == (
        422,
        True,
        True,
    )

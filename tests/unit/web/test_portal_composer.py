"""What the composer's tabs and sections ask of the service, and that a clip's settings come back into them."""

import io
import re

import pytest
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from tests.unit.web.portal_forms import send
from vidgen.jobs.service import ControlPlane

PROMPT = "a cat moves left"
PNG = b"\x89PNG"


def spec_of(plane: ControlPlane) -> dict[str, object]:
    return plane.jobs.list().items[0].spec.model_dump(exclude_none=True)


def test_keyframes_are_pictures_at_moments(client: FlaskClient, plane: ControlPlane) -> None:
    """Without a second the first is the beginning and the last the end. Fails when they all begin: tried."""
    files = {f"keyframes.{n}": (io.BytesIO(PNG), f"{n}.png") for n in range(3)}
    rows = {"keyframes.0.upload_id": "", "keyframes.1.seconds": "1", "keyframes.2.upload_id": ""}
    status, where = send(client, task="keyframes", prompt=PROMPT, num_frames="17", **rows, **files)
    assert status == 303, where
    spec = plane.jobs.list().items[0].spec
    assert [key.frame for key in spec.keyframes] == [0, 8, 16]
    page = client.get(f"/?reuse={plane.jobs.list().items[0].id}").get_data(as_text=True)
    assert 'value="keyframes" checked' in page
    assert re.findall(r'name="keyframes\.\d\.seconds"[^>]*value="([^"]*)"', page) == ["0", "1", "2"]


def test_a_refused_form_of_keyframes_leaves_no_files_behind(client: FlaskClient, plane: ControlPlane) -> None:
    file = {"keyframes.0": (io.BytesIO(PNG), "a.png")}
    before = len(list(plane.settings.data_dir.rglob("upl_*")))
    status, page = send(client, task="keyframes", **file, **{"keyframes.0.upload_id": "", "prompt": " "})
    assert (status, "Prompt: say what the clip should show" in page) == (422, True)
    assert len(list(plane.settings.data_dir.rglob("upl_*"))) == before


def test_parts_blend_and_a_clip_loops(client: FlaskClient, plane: ControlPlane) -> None:
    parts = {"segments.0.seconds": "2", "segments.1.seconds": "2", "segments.1.prompt": "a dog"}
    blend = {"segments.1.transition_seconds": "1", "long.loop": "1"}
    assert send(client, task="storyboard", prompt=PROMPT, **parts, **blend)[0] == 303
    spec = plane.jobs.list().items[0].spec
    assert [part.transition_frames for part in spec.segments] == [None, 8]
    assert spec.long.loop
    # a loop has another form of lengths than the choices: it is asked in seconds, which snap
    assert send(client, prompt=PROMPT, num_frames="17", **{"long.loop": "1"})[0] == 303
    assert plane.jobs.list().items[0].spec.num_frames == 16


def test_steps_and_a_file_follow_the_order_of_the_form(client: FlaskClient, plane: ControlPlane) -> None:
    steps = {"post.sharpen.on": "1", "post.sharpen.amount": "1.5", "post.upscale.on": "1", "post.upscale.factor": "4"}
    unticked = {"post.watermark.text": "mine"}
    assert send(client, prompt=PROMPT, **steps, **unticked, **{"output.format": "webm"})[0] == 303
    spec = plane.jobs.list().items[0].spec
    assert [(step.step, getattr(step, "amount", None), getattr(step, "factor", None)) for step in spec.post] == [
        ("sharpen", 1.5, None),
        ("upscale", None, 4),
    ]
    assert spec.output.codec == "vp9"
    page = client.get(f"/?reuse={plane.jobs.list().items[0].id}").get_data(as_text=True)
    shown = re.findall(r'name="post\.([\w-]+)\.on" value="1" (checked)?', page)
    assert shown[:2] == [("sharpen", "checked"), ("upscale", "checked")]
    assert not any(ticked for _, ticked in shown[2:])
    assert re.search(r'<option value="webm" selected', page)


def test_a_clip_is_finished_from_the_viewer_and_from_the_composer(
    client: FlaskClient, worker: SimulatedWorker, plane: ControlPlane
) -> None:
    send(client, prompt=PROMPT)
    job_id = worker.run()
    page = client.get(f"/?job={job_id}").get_data(as_text=True)
    assert "Twice the size" in page
    status, _ = send(client, f"/jobs/{job_id}/process", **{"post.upscale.on": "1", "from": "studio"})
    assert status == 303
    made = plane.jobs.list().items[0]
    assert (made.task, made.source_job_id, made.spec.post[0].step) == ("process-video", job_id, "upscale")
    link = re.search(r'href="([^"]+)" data-swap="composer"', page[page.index('id="finish"') - 60 :])
    offered = client.get(re.search(r'id="finish" href="([^"]+)"', page)[1].replace("&amp;", "&")).get_data(as_text=True)
    assert link is not None
    assert 'value="process-video" checked' in offered
    video = re.search(r'name="video.artifact_id" value="(art_[^"]+)"', offered)[1]
    form = {"task": "process-video", "video.artifact_id": video, "post.interpolate.on": "1", "seed": "5", "count": "3"}
    assert send(client, **form, **{"post.interpolate.factor": "2", "output.format": "mp4"})[0] == 303
    (newest, *others) = plane.jobs.list().items
    assert (len(others), newest.spec.post[0].factor) == (2, 2)
    again = client.get(f"/?reuse={newest.id}").get_data(as_text=True)
    assert 'name="post.interpolate.on" value="1" checked' in again


def test_a_clip_is_extended_from_a_frame_in_the_composer(
    client: FlaskClient, worker: SimulatedWorker, plane: ControlPlane
) -> None:
    """Frames count from 1 for people. Fails when the number is sent as it stands: tried."""
    send(client, prompt=PROMPT)
    clip = next(it.id for it in plane.jobs.get(worker.run()).artifacts if it.kind == "video")
    page = client.get(f"/?mode=image&slot=extend&source={clip}&number=9").get_data(as_text=True)
    assert 'value="extend-video" checked' in page
    assert re.search(r'id="number"[^>]*value="9"', page)
    form = {"task": "extend-video", "video.artifact_id": clip, "number": "9", "direction": "forward", "seconds": "1"}
    assert send(client, **form)[0] == 303
    spec = plane.jobs.list().items[0].spec
    assert (spec.task, spec.from_frame, spec.num_frames) == ("extend-video", 8, 8)


def test_only_what_the_model_takes_is_offered(client: FlaskClient, plane: ControlPlane) -> None:
    """Fails when all options are offered to every model: tried."""
    page = send(client, "/composer", prompt="kept", open="advanced")[1]
    assert ">kept</textarea>" in page
    assert 'name="advanced.sampler"' in page
    assert 'name="advanced.motion_bucket_id"' not in page
    assert 'name="advanced.eta"' not in page
    form = {"advanced.sampler": "unipc", "advanced.shift": "2", "section.advanced": "1"}
    assert send(client, prompt=PROMPT, **form)[0] == 303
    advanced = plane.jobs.list().items[0].spec.advanced
    assert (advanced.sampler, advanced.shift) == ("unipc", 2)
    status, page = send(client, prompt=PROMPT, **{**form, "advanced.shift": "99"})
    assert (status, "Shift towards noise: " in page, 'id="section-advanced" open' in page) == (422, True, True)
    page = client.get(f"/?reuse={plane.jobs.list().items[0].id}").get_data(as_text=True)
    assert re.search(r'<option value="unipc" selected', page)


@pytest.mark.parametrize("name", ["finish", "advanced", "words"])
def test_sections_come_when_they_are_asked_for(client: FlaskClient, name: str) -> None:
    assert f'id="section-{name}"' not in client.get("/").get_data(as_text=True)
    page = send(client, "/composer", open=name)[1]
    assert f'id="section-{name}" open' in page
    assert f'id="section-{name}" open' in send(client, "/composer", **{f"section.{name}": "1"})[1]


def test_count_and_project_stay_with_the_form(client: FlaskClient, plane: ControlPlane) -> None:
    """Whether a section is opened or the form refused. Fails when they are written anew each time: tried."""
    aside = {"prompt": PROMPT, "count": "3", "project": "Cats"}
    pages = [send(client, "/composer", open="advanced", **aside)[1], send(client, num_frames="20", **aside)[1]]
    pages.append(send(client, **{**aside, "count": "3.5"})[1])
    for page, count in zip(pages, ("3", "3", "3.5"), strict=True):
        assert re.search(rf'id="count" [^>]*value="{count}"', page)
        assert re.search(r'id="project" [^>]*value="Cats"', page)
        assert re.search(r'id="further" [^>]*open', page)
    assert not re.search(r'id="further" [^>]*open', client.get("/?project=Cats").get_data(as_text=True))
    assert not plane.jobs.list().items


def test_a_file_chosen_before_a_row_is_added_is_kept(client: FlaskClient) -> None:
    file = {"keyframes.0": (io.BytesIO(PNG), "a.png"), "keyframes.0.upload_id": "", "keyframes.1.upload_id": ""}
    page = send(client, "/composer", task="keyframes", add_key="1", **file)[1]
    assert len(re.findall(r'name="keyframes\.\d\.seconds"', page)) == 3
    assert re.search(r'name="keyframes\.0\.upload_id" value="upl_', page)


def test_a_grid_varies_two_values(client: FlaskClient, plane: ControlPlane, worker: SimulatedWorker) -> None:
    """Each clip has the values of its place, and the page shows them together."""
    vary = {"vary.0.field": "seed", "vary.0.values": "1, 2", "vary.1.field": "num_inference_steps"}
    form = {"prompt": PROMPT, "seed": "9", "num_inference_steps": "8", **vary}
    status, where = send(client, "/grids", **form, **{"vary.1.values": "3, 5"})
    assert status == 303, where
    jobs = plane.jobs.list().items
    assert sorted((job.spec.seed, job.spec.num_inference_steps) for job in jobs) == [(1, 3), (1, 5), (2, 3), (2, 5)]
    worker.run()
    page = client.get(where).get_data(as_text=True)
    assert "3 of 4 are still to come" in page
    sheet = re.search(r'src="([^"]+/sheet)\?', page)
    assert sheet is not None
    assert client.get(sheet[1]).content_type == "image/png"
    assert send(client, f"{where}/cancel") == (303, where)
    assert "All 4 have ended" in client.get(where).get_data(as_text=True)
    for wrong, message in (({}, "say which values"), ({"vary.0.values": "1,,2"}, "Grid: "), (vary, "Grid: ")):
        again = (
            {**vary, "vary.0.values": ""} | wrong | ({"vary.1.field": "seed", "vary.1.values": "1"} if wrong else {})
        )
        status, page = send(client, "/grids", prompt=PROMPT, **again)
        assert (status, message in page, 'id="section-grid" open' in page) == (422, True, True)
    assert len(plane.jobs.list().items) == 4


def test_a_grid_takes_the_place_of_what_the_composer_holds(client: FlaskClient, plane: ControlPlane) -> None:
    """It may be a value that would be refused. Fails when it is sent beside the grid's: tried."""
    vary = {"vary.0.field": "prompt", "vary.0.values": "a cat|a dog", "vary.1.field": "num_inference_steps"}
    form = {"prompt": PROMPT, "num_inference_steps": "5000", **vary, "vary.1.values": "3, 5"}
    assert send(client, "/grids", **form)[0] == 303
    made = sorted((job.spec.prompt, job.spec.num_inference_steps) for job in plane.jobs.list().items)
    assert made == [("a cat", 3), ("a cat", 5), ("a dog", 3), ("a dog", 5)]


def test_presets_keep_settings_and_nothing_of_the_clip(client: FlaskClient) -> None:
    """Fails when words come with a preset: tried."""
    form = {"prompt": "mine", "seed": "7", "num_inference_steps": "33", "post.sharpen.on": "1", "output.format": "webm"}
    assert send(client, "/presets", preset_name="  good  ones ", **form)[0] == 200
    page = send(client, "/presets/apply", preset="good ones", prompt="other", num_inference_steps="5", seed="1")[1]
    assert ">other</textarea>" in page
    assert re.search(r'id="num_inference_steps"[^>]*value="33"', page)
    assert re.search(r'id="seed"[^>]*value="1"', page)
    assert 'name="post.sharpen.on" value="1" checked' in page
    status, page = send(client, "/presets", preset_name=" ", prompt="kept")
    assert (status, "Preset: give a name" in page, ">kept</textarea>" in page) == (422, True, True)
    long = {"post.watermark.text": "x" * 30_000, "post.watermark.on": "1"}
    assert "at most" in send(client, "/presets", preset_name="long", **long)[1]
    assert '<option value="good ones">' in page
    assert '<option value="good ones">' not in send(client, "/presets/forget", preset="good ones")[1]


def test_a_prompt_is_enriched_in_place(client: FlaskClient) -> None:
    page = send(client, "/composer", prompt="an aeroplane zooms right", num_inference_steps="5", enrich="1")[1]
    api = client.post("/api/v1/prompts/enhance", json={"prompt": "an aeroplane zooms right"}).get_json()
    assert api["prompt"] != "an aeroplane zooms right"
    assert f">{api['prompt']}</textarea>" in page
    assert api["changes"][0] in page.replace("&#34;", '"').replace("&#39;", "'")
    assert re.search(r'id="num_inference_steps"[^>]*value="5"', page)


def test_a_picture_lies_over_every_frame(client: FlaskClient, plane: ControlPlane) -> None:
    """In place of a text, and comes back with the settings. Fails when its slot is not read: tried."""
    step = {"post.watermark.on": "1", "post.watermark.position": "top-left", "section.finish": "1"}
    page = send(client, "/composer", **step, **{"post.watermark.image": (io.BytesIO(PNG), "mine.png")})[1]
    upload = re.search(r'name="post\.watermark\.image\.upload_id" value="(upl_[^"]+)"', page)[1]
    assert send(client, prompt=PROMPT, **step, **{"post.watermark.image.upload_id": upload})[0] == 303
    (mark,) = plane.jobs.list().items[0].spec.post
    assert (mark.image.upload_id, mark.text, mark.position) == (upload, None, "top-left")
    again = client.get(f"/?reuse={plane.jobs.list().items[0].id}").get_data(as_text=True)
    assert f'name="post.watermark.image.upload_id" value="{upload}"' in again
    assert send(client, prompt=PROMPT, **step, **{"post.watermark.image": (io.BytesIO(PNG), "mine.png")})[0] == 303
    status, page = send(client, prompt=PROMPT, **step)
    assert (status, "give text or image" in page) == (422, True)


def test_every_step_and_word_list_has_a_name(client: FlaskClient) -> None:
    """Fails when a step of the API is offered by its field's name: tried, “Draw-control”."""
    page = client.get("/?with=finish").get_data(as_text=True)
    steps = re.findall(r'name="post\.[\w-]+\.on" value="1"[^>]*> ([^<]+)</label>', page)
    assert "A control video drawn of it" in steps
    assert all(" " in step or step in ("Sharper", "Watermark") for step in steps), steps
    kinds = re.findall(r"<h3>([^<]+)</h3>", client.get("/?with=words").get_data(as_text=True))
    assert kinds == ["Subjects", "Motions", "Backgrounds", "Cameras"]


def test_a_preset_holds_the_camera(client: FlaskClient) -> None:
    """Moments over time, too, and no path or control. Fails when conditioning is left out of it: tried."""
    camera = {"camera.pan": "3", "camera.keys.0.at": "0", "camera.keys.0.zoom": "4", "motion_strength": "1.5"}
    path = {"trajectories.0.points.0.x": "0.2", "controls.0.kind": "flow", "section.motion": "1"}
    assert send(client, "/presets", preset_name="moving", **camera, **path)[0] == 200
    page = send(client, "/presets/apply", preset="moving", **{"camera.pan": "9", "camera.tilt": "1"})[1]
    for name, value in camera.items():
        if name != "motion_strength":  # this model has no such thing
            assert re.search(rf'name="{re.escape(name)}"[^>]* value="{value}"', page), name
    assert re.search(r'name="camera\.tilt"[^>]* value=""', page)
    assert re.search(r'name="trajectories\.0\.points\.0\.x"[^>]* value=""', page)


def test_an_extension_takes_what_leads_it(client: FlaskClient, worker: SimulatedWorker, plane: ControlPlane) -> None:
    """As the API does; what begins a clip, or masks one, is none of it. Fails when it asks for no item: tried."""
    send(client, prompt=PROMPT)
    clip = next(it.id for it in plane.jobs.get(worker.run()).artifacts if it.kind == "video")
    form = {"task": "extend-video", "video.artifact_id": clip, "seconds": "1", "camera.pan": "2"}
    form |= {"trajectories.0.points.0.x": "0.2", "trajectories.0.points.0.y": "0.5", "mask.box.left": "0.5"}
    form |= {"trajectories.0.points.1.x": "0.8", "trajectories.0.points.1.y": "0.5"}
    status, page = send(client, **form, **{"references.0.image.artifact_id": clip, "prefix.video.artifact_id": clip})
    assert status == 303, re.findall(r'class="wrong"[^>]*>([^<]+)', page)
    spec = plane.jobs.list().items[0].spec
    assert (spec.task, spec.camera.pan, len(spec.trajectories), len(spec.references)) == ("extend-video", 2, 1, 1)
    assert (spec.prefix, spec.mask) == (None, None)
    again = client.get(f"/?reuse={plane.jobs.list().items[0].id}").get_data(as_text=True)
    assert re.search(r'name="camera\.pan"[^>]* value="2"', again)
    section = again[again.index('id="section-motion"') - 40 :][:200]
    assert 'data-not="process-video"' in section

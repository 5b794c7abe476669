"""Uploads and trainings in the portal: what the API has of them, as pages with forms."""

import io
import re

from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from tests.unit.web.portal_forms import send
from vidgen.jobs.service import ControlPlane

MP4 = b"\0\0\0\x18ftypmp42 clip"
PNG = b"\x89PNG"


def test_uploads_are_listed_used_and_deleted(client: FlaskClient, plane: ControlPlane) -> None:
    """Fails when one that a job waits for is deleted: tried."""
    for content, name in ((MP4, "dance.mp4"), (PNG, "cat <3.png")):
        assert send(client, "/settings/uploads", file=(io.BytesIO(content), name)) == (303, "/settings/uploads")
    page = client.get("/settings/uploads").get_data(as_text=True)
    assert 'aria-label="dance.mp4"' in page
    assert 'alt="cat &lt;3.png"' in page
    status, refused = send(client, "/settings/uploads")
    assert (status, "choose a file first" in refused) == (422, True)
    for link, slot in re.findall(r'href="(/\?mode=(video|image)&amp;upload=[^"]+)"', page):
        assert f'name="{slot}.upload_id" value="upl_' in client.get(link.replace("&amp;", "&")).get_data(as_text=True)
    clip = next(it.id for it in plane.uploads.list().items if it.kind == "video")
    assert send(client, task="video-to-video", prompt="a cat", num_frames="9", **{"video.upload_id": clip})[0] == 303
    status, page = send(client, f"/settings/uploads/{clip}/delete")
    assert (status, "a job that has not ended is made from it" in page) == (409, True)
    send(client, f"/jobs/{plane.jobs.list().items[0].id}/cancel")
    assert send(client, f"/settings/uploads/{clip}/delete") == (303, "/settings/uploads")
    assert plane.uploads.get(clip) is None
    assert send(client, f"/settings/uploads/{clip}/delete")[0] == 303


def test_a_lora_is_trained_from_chosen_and_brought_clips(
    client: FlaskClient, plane: ControlPlane, worker: SimulatedWorker
) -> None:
    """Each with its caption. Fails when only brought clips are learned from: tried."""
    send(client, prompt="a cat moves left")
    made = next(it.id for it in plane.jobs.get(worker.run()).artifacts if it.kind == "video")
    page = client.get("/settings/training").get_data(as_text=True)
    assert f'name="clip.{made}"' in page
    form = {"name": "mine", "prompt": "a zorb", f"clip.{made}": "1", f"caption.{made}": "a zorb moves left"}
    form |= {"training.steps": "40", "training.num_frames": "9"}
    status, page = send(client, "/settings/training", **form, forecast="1", files=(io.BytesIO(MP4), "b.mp4"))
    assert (status, "It will take: " in page) == (200, True)
    (brought,) = plane.uploads.list().items
    assert re.search(rf'name="clip.{brought.id}" value="1" checked', page)
    assert len(plane.jobs.list().items) == 1
    status, where = send(client, "/settings/training", **form, **{f"clip.{brought.id}": "1"})
    job = plane.jobs.list().items[0]
    assert (status, where) == (303, f"/?job={job.id}")
    assert (job.task, job.spec.name, job.spec.steps, job.spec.num_frames) == ("train-lora", "mine", 40, 9)
    learned = {(it.video.upload_id, it.video.artifact_id, it.prompt) for it in job.spec.clips}
    assert learned == {(brought.id, None, ""), (None, made, "a zorb moves left")}
    assert "mine" in client.get(where).get_data(as_text=True)


def test_a_training_that_cannot_be_is_told_beside_its_field(client: FlaskClient, plane: ControlPlane) -> None:
    send(client, "/settings/uploads", file=(io.BytesIO(MP4), "a.mp4"))
    (clip,) = plane.uploads.list().items
    right = {"name": "mine", "prompt": "a zorb", "training.num_frames": "9", f"clip.{clip.id}": "1"}
    for wrong, place, told in (
        ({f"clip.{clip.id}": ""}, "clips", "choose at least one clip"),
        ({"name": "No Name"}, "name", "must have the form"),
        ({"training.steps": "0"}, "training.steps", "must be at least 1"),
        ({"training.num_frames": "10"}, "training.num_frames", ""),
        ({"training.num_frames": "13"}, "clips", "holds 9 frames"),
        ({"prompt": ""}, "clips", "no caption"),
    ):
        status, page = send(client, "/settings/training", **{**right, **wrong})
        found = re.search(rf'class="wrong" id="{place}-error">([^<]+)', page)
        assert status == 422, wrong
        assert found is not None, wrong
        assert told in found[1]
        assert f'aria-describedby="{place}-error"' in page
    assert not plane.jobs.list().items

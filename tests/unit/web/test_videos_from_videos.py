"""/v1/videos: remixes, edits and extensions."""

import io

from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from tests.unit.web.videos_client import MP4, PNG, PROMPT, VIDEOS, completed, job_of, refused


def test_a_remix_restyles_the_clip_with_its_own_seed(client: FlaskClient, worker: SimulatedWorker) -> None:
    video = completed(client, worker, seconds="3", seed=11, guidance_scale=4)
    answer = client.post(f"{VIDEOS}/{video['id']}/remix", json={"prompt": "a fox moves left"})
    remixed = answer.get_json()
    assert (remixed["remixed_from_video_id"], remixed["status"]) == (video["id"], "queued")
    new = job_of(client, remixed)
    (clip,) = [artifact for artifact in job_of(client, video)["artifacts"] if artifact["kind"] == "video"]
    assert (new["task"], new["spec"]["video"]["artifact_id"]) == ("video-to-video", clip["id"])
    assert (new["spec"]["seed"], new["spec"]["num_frames"], new["spec"]["guidance_scale"]) == (11, 25, 4)
    assert new["spec"]["prompt"] == "a fox moves left"
    assert new["source_job_id"] == video["id"]


def test_an_edit_restyles_the_clip_itself(client: FlaskClient, worker: SimulatedWorker) -> None:
    video = completed(client, worker, seconds="3", guidance_scale=4)
    edited = client.post(f"{VIDEOS}/edits", data={"prompt": "a fox", "video[id]": video["id"], "strength": "0.5"})
    spec = job_of(client, edited.get_json())["spec"]
    (clip,) = [artifact for artifact in job_of(client, video)["artifacts"] if artifact["kind"] == "video"]
    assert (spec["task"], spec["strength"], spec["num_frames"]) == ("video-to-video", 0.5, 25)
    assert spec["video"]["artifact_id"] == clip["id"]
    assert spec["guidance_scale"] == 4
    assert edited.get_json()["remixed_from_video_id"] == video["id"]


def test_an_extension_goes_on_from_the_clip_and_its_chunks(client: FlaskClient, worker: SimulatedWorker) -> None:
    """Fails when it is made from the last frame, as it was, and when only what is added is told: tried."""
    video = completed(client, worker)
    body = {"prompt": "it moves right", "video": {"id": video["id"]}, "seconds": "3"}
    extended = client.post(f"{VIDEOS}/extensions", json=body).get_json()
    spec = job_of(client, extended)["spec"]
    assert (spec["task"], spec["direction"], spec["num_frames"]) == ("extend-video", "forward", 24)
    assert spec["video"]["frame"] is None
    assert job_of(client, extended)["source_job_id"] == video["id"]
    assert extended["seconds"] == str(int(video["seconds"]) + 3), "the whole"
    assert client.get(VIDEOS).get_json()["data"][0]["seconds"] == extended["seconds"]
    assert worker.run() == extended["id"]
    client.delete(f"{VIDEOS}/{video['id']}")
    assert client.get(f"{VIDEOS}/{extended['id']}").status_code == 200


def test_clips_from_outside_are_edited_and_extended(client: FlaskClient) -> None:
    tasks = []
    for verb, more in (("edits", {}), ("extensions", {"seconds": "4"})):
        data = {**PROMPT, **more, "video": (io.BytesIO(MP4), "a.mp4")}
        answer = client.post(f"{VIDEOS}/{verb}", data=data, content_type="multipart/form-data")
        assert answer.status_code == 200, answer.get_json()
        tasks.append(job_of(client, answer.get_json())["task"])
    assert tasks == ["video-to-video", "extend-video"]
    assert refused(client, f"{VIDEOS}/edits", json=PROMPT) == (400, "invalid_request", "video")
    picture = {**PROMPT, "video": (io.BytesIO(PNG), "a.png")}
    assert refused(client, f"{VIDEOS}/edits", data=picture, content_type="multipart/form-data")[1] == "media_kind"

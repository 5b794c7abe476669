"""/v1/videos: the words of the `openai` SDK over the same jobs. The SDK itself is driven in tests/integration."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from tests.unit.web.videos_client import JOBS, PROMPT, VIDEOS, completed, created, job_of, refused
from vidgen.jobs.service import ControlPlane
from vidgen.spec import JobStatus
from vidgen_web.facade.video import STATUSES
from vidgen_web.services import EXTENSION


def test_a_video_is_a_job_in_other_words(client: FlaskClient, worker: SimulatedWorker) -> None:
    video = created(client)
    assert video == {
        "id": video["id"],
        "object": "video",
        "model": "sprites-64",
        "status": "queued",
        "progress": 0,
        "prompt": "a cat moves left",
        "seconds": "2",
        "size": "64x64",
        "created_at": video["created_at"],
        "completed_at": None,
        "expires_at": None,
        "remixed_from_video_id": None,
        "error": None,
    }
    claim = worker.claim()
    worker.step(claim, 1, 2)
    running = client.get(f"{VIDEOS}/{video['id']}")
    assert (running.get_json()["status"], running.get_json()["progress"]) == ("in_progress", 33)
    assert int(running.headers["openai-poll-after-ms"]) > 0
    worker.succeed(claim)
    done = client.get(f"{VIDEOS}/{video['id']}")
    assert (done.get_json()["status"], done.get_json()["progress"]) == ("completed", 100)
    assert done.get_json()["completed_at"] >= video["created_at"]
    assert done.get_json()["expires_at"] > done.get_json()["completed_at"]
    assert "openai-poll-after-ms" not in done.headers


def test_every_state_of_a_job_has_its_word() -> None:
    assert STATUSES.keys() == set(JobStatus)


def test_forms_and_json_say_the_same(client: FlaskClient) -> None:
    fields = {**PROMPT, "seconds": "3", "size": "64x64", "model": "sprites-64", "seed": 7}
    form = {name: str(value) for name, value in fields.items()}
    specs = [
        job_of(client, client.post(VIDEOS, **body).get_json())["spec"]
        for body in ({"json": fields}, {"data": form}, {"data": form, "content_type": "multipart/form-data"})
    ]
    assert specs[0] == specs[1] == specs[2]
    assert (specs[0]["num_frames"], specs[0]["seed"]) == (25, 7)


@pytest.mark.parametrize("seconds", ["0.5", 1, "1", 2.0, "2", "2.500", "8", "12"])
def test_lengths_that_the_model_can_make(client: FlaskClient, seconds: Any) -> None:
    assert float(created(client, seconds=seconds)["seconds"]) == float(seconds)


def test_what_clients_send_unasked_means_the_models_default_and_is_reported(client: FlaskClient) -> None:
    video = created(client, model="sora-2", seconds="4", size="720x1280")
    # 4 seconds are a length that this model can make, so it is no exception here
    assert (video["model"], video["seconds"], video["size"]) == ("sprites-64", "4", "64x64")


@pytest.mark.parametrize(
    ("fields", "code", "param", "hint"),
    [
        ({"seconds": "500"}, "invalid_spec", "seconds", "nearest is 120"),
        ({"seconds": "1.7"}, "invalid_spec", "seconds", "nearest are 1.5 and 2"),
        ({"seconds": "long"}, "invalid_spec", "seconds", "number"),
        ({"seconds": "1e9"}, "invalid_spec", "seconds", "number"),
        ({"size": "1280x720"}, "invalid_spec", "size", "nearest is 64x64"),
        ({"size": "wide"}, "invalid_spec", "size", "such as 64x64"),
        ({"model": "sora-3"}, "unknown_model", "model", "sora-3"),
        ({"prompt": ""}, "invalid_request", "prompt", "1 characters at least"),
        ({"prompt": "x" * 2001}, "invalid_request", "prompt", "2000"),
        ({"n": 2}, "invalid_request", "n", "not known"),
        ({"guidance_scale": 99}, "invalid_spec", "guidance_scale", "nearest is 8"),
        ({"input_reference": {}}, "invalid_request", "input_reference", "exactly one"),
        ({"input_reference": {"file_id": "file-1"}}, "media_not_found", "input_reference.file_id", "upload"),
        ({"input_reference": {"file_id": "upl_1"}}, "media_not_found", "input_reference", "upl_1"),
        ({"callback_url": "ftp://x"}, "invalid_request", "callback_url", "https"),
    ],
)
def test_what_is_wrong_is_a_400_that_names_the_field(
    client: FlaskClient, fields: dict[str, Any], code: str, param: str, hint: str
) -> None:
    answer = client.post(VIDEOS, json={**PROMPT, **fields})
    assert answer.status_code == 400
    error = answer.get_json()["error"]
    assert (error["code"], error["param"], error["type"]) == (code, param, "invalid_request_error")
    assert hint in error["message"]
    assert client.get(VIDEOS).get_json()["data"] == []


def test_lists_page_in_both_directions(client: FlaskClient) -> None:
    made = [created(client)["id"] for _ in range(5)]
    page = client.get(f"{VIDEOS}?limit=2&order=asc").get_json()
    assert page["object"] == "list"
    assert [video["id"] for video in page["data"]] == made[:2]
    assert (page["first_id"], page["last_id"], page["has_more"]) == (made[0], made[1], True)
    rest = client.get(f"{VIDEOS}?limit=3&order=asc&after={made[1]}").get_json()
    assert ([video["id"] for video in rest["data"]], rest["has_more"]) == (made[2:], False)
    newest = client.get(f"{VIDEOS}?limit=2&after={made[2]}").get_json()
    assert [video["id"] for video in newest["data"]] == [made[1], made[0]]
    end = client.get(f"{VIDEOS}?after={made[0]}").get_json()
    assert end == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    for query in ("after=job_unknown", "limit=0", "limit=101", "order=up", "page=2"):
        assert client.get(f"{VIDEOS}?{query}").status_code == 400


def test_all_variants_come_back_whole_or_in_part(client: FlaskClient, worker: SimulatedWorker) -> None:
    video = completed(client, worker)
    path = f"{VIDEOS}/{video['id']}/content"
    with client.get(path) as clip, client.get(f"{path}?variant=video") as same:
        assert (clip.content_type, clip.data[4:8]) == ("video/mp4", b"ftyp")
        assert same.data == clip.data
    for variant in ("thumbnail", "spritesheet"):
        with client.get(f"{path}?variant={variant}") as picture:
            assert (picture.content_type, picture.data[:2]) == ("image/jpeg", b"\xff\xd8")
    with client.get(path, headers={"Range": "bytes=4-7"}) as part:
        assert (part.status_code, part.data) == (206, b"ftyp")
    with client.get(path, headers={"Range": "bytes=99999999-"}) as late:
        assert (late.status_code, late.get_json()["error"]["code"]) == (416, "range_not_satisfiable")
    assert client.get(f"{path}?variant=gif").status_code == 400


def test_a_video_that_is_not_completed_has_no_files_and_no_descendants(client: FlaskClient) -> None:
    video = created(client)
    answer = client.get(f"{VIDEOS}/{video['id']}/content")
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (400, "video_not_completed")
    reference = {**PROMPT, "video": {"id": video["id"]}}
    assert refused(client, f"{VIDEOS}/{video['id']}/remix", json=PROMPT)[1] == "video_not_completed"
    assert refused(client, f"{VIDEOS}/edits", json=reference)[1] == "video_not_completed"
    assert refused(client, f"{VIDEOS}/extensions", json={**reference, "seconds": "2"})[1] == "video_not_completed"


def test_unknown_ids_are_404_everywhere(client: FlaskClient) -> None:
    reference = {**PROMPT, "video": {"id": "job_unknown"}, "seconds": "2"}
    answers = [
        client.get(f"{VIDEOS}/job_unknown"),
        client.get(f"{VIDEOS}/job_unknown/content"),
        client.delete(f"{VIDEOS}/job_unknown"),
        client.post(f"{VIDEOS}/job_unknown/remix", json=PROMPT),
        client.post(f"{VIDEOS}/edits", json={key: reference[key] for key in ("prompt", "video")}),
        client.post(f"{VIDEOS}/extensions", json=reference),
        client.get("/v1/nothing"),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert {answer.get_json()["error"]["code"] for answer in answers} == {"not_found"}


def test_deleting(client: FlaskClient, worker: SimulatedWorker) -> None:
    video = completed(client, worker)
    answer = client.delete(f"{VIDEOS}/{video['id']}")
    assert answer.get_json() == {"id": video["id"], "object": "video.deleted", "deleted": True}
    assert client.get(f"{VIDEOS}/{video['id']}").status_code == 404
    waiting = created(client)
    assert client.delete(f"{VIDEOS}/{waiting['id']}").get_json()["deleted"]
    assert client.get(f"{JOBS}/{waiting['id']}").status_code == 404


@pytest.mark.parametrize("busy", [False, True])
def test_a_running_video_is_deleted_though_its_worker_does_not_stop_yet(
    app: Flask, client: FlaskClient, worker: SimulatedWorker, plane: ControlPlane, monkeypatch: Any, busy: bool
) -> None:
    """Busy: as many wait for theirs as may. Fails when it is only cancelled: tried, 409 and the video stayed."""
    # whoever waits does so for good here: an answer shows that a busy server does not let this one wait
    monkeypatch.setattr("vidgen_web.facade.videos.WAIT_SECONDS", 3600 if busy else 0.3)
    while busy and app.extensions[EXTENSION].waits.acquire(blocking=False):
        pass
    video = created(client)
    claim = worker.claim()
    answer = client.delete(f"{VIDEOS}/{video['id']}")
    assert (answer.status_code, answer.get_json()["deleted"]) == (200, True)
    assert client.get(f"{JOBS}/{video['id']}").get_json()["cancel_requested"]
    plane.jobs.mark_cancelled(claim)
    plane.jobs.delete_discarded()
    assert client.get(f"{VIDEOS}/{video['id']}").status_code == 404


def test_cancelled_and_failed_jobs_are_failed_videos(
    client: FlaskClient, worker: SimulatedWorker, plane: ControlPlane
) -> None:
    video = created(client)
    client.post(f"{JOBS}/{video['id']}/cancel")
    cancelled = client.get(f"{VIDEOS}/{video['id']}").get_json()
    assert (cancelled["status"], cancelled["error"]["code"]) == ("failed", "cancelled")
    second = created(client)
    plane.jobs.fail(worker.claim(), "out_of_memory", "too large", retryable=False)
    failed = client.get(f"{VIDEOS}/{second['id']}").get_json()
    assert (failed["status"], failed["error"]) == ("failed", {"code": "out_of_memory", "message": "too large"})


def test_no_permanent_failure_is_one_that_the_sdk_tries_again(client: FlaskClient) -> None:
    """The SDK sends 408, 409, 429 and 5xx again, twice."""
    from vidgen_web.facade.errors import status_of
    from vidgen_web.problems import STATUS_BY_CODE

    again = {code for code in STATUS_BY_CODE if status_of(code) in (408, 409, 429) or status_of(code) >= 500}
    assert again == {code for code, status in STATUS_BY_CODE.items() if status == 429 or status >= 500}
    for _ in range(5):
        created(client)
    full = client.post(VIDEOS, json=PROMPT)
    assert (full.status_code, full.get_json()["error"]["type"]) == (429, "rate_limit_error")
    assert full.headers["Retry-After"]


@pytest.mark.parametrize("field", ["prompt", "negative_prompt"])
def test_forms_hold_the_texts_that_the_native_api_takes(client: FlaskClient, field: str) -> None:
    """Fails when the form is read as it comes: tried."""
    status, _, _ = refused(client, data={**PROMPT, field: "a\0b"})
    assert status == 400
    assert client.get(JOBS).get_json()["items"] == []


def test_other_bodies_are_refused_in_the_same_form(client: FlaskClient) -> None:
    assert refused(client, data="x", content_type="text/plain")[:2] == (415, "unsupported_content_type")
    assert refused(client, data="{", content_type="application/json")[:2] == (400, "invalid_json")
    assert refused(client, f"{VIDEOS}/characters", json=PROMPT)[:2] == (405, "method_not_allowed")
    page = client.get(f"{VIDEOS}/job_unknown", headers={"Accept": "text/html"})
    assert page.get_json()["error"]["code"] == "not_found"

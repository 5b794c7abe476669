"""Chunks, retakes and extensions over HTTP: which job is queued, and what is refused by name."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.views import Claim, FinishedChunk

JOBS = "/api/v1/jobs"
LONG = {"prompt": "a cat moves left", "num_frames": 61, "seed": 3}


@pytest.fixture
def job_id(client: FlaskClient, worker: SimulatedWorker) -> str:
    """A finished clip of four chunks."""
    made = client.post(JOBS, json=LONG).get_json()["id"]
    claim = worker.claim()
    for n in range(4):
        commit(worker.plane, claim, n)
    worker.succeed(claim)
    return str(made)


def commit(plane: ControlPlane, claim: Claim, n: int, **about: Any) -> None:
    """A chunk in the database, and for all but the last one its file and picture."""
    told = {"chunk": n, "take": None, "prompt": "a cat", "first_frame": 12 * n, "last_frame": 12 * n + 11}
    plane.jobs.commit_chunk(claim, FinishedChunk(n, f"{n:05d}-aa.safetensors", f"{n}" * 64, 3, 100, {**told, **about}))
    if n < 3:
        folder = plane.store.chunk_folder(claim.job_id)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{n:05d}-aa.safetensors").write_bytes(b"latents")
        plane.store.chunk_picture(claim.job_id, n).write_bytes(b"\xff\xd8 picture")


def retake(client: FlaskClient, job_id: str, **asked: Any) -> Any:
    return client.post(f"{JOBS}/{job_id}/retake", json=asked)


def test_chunks_are_listed_with_their_frames_seeds_and_pictures(client: FlaskClient, job_id: str) -> None:
    items = client.get(f"{JOBS}/{job_id}/chunks").get_json()["items"]
    assert [(it["chunk"], it["first_frame"], it["last_frame"], it["seed"], it["state"]) for it in items] == [
        (0, 0, 11, 3, "stored"),
        (1, 12, 23, 3, "stored"),
        (2, 24, 35, 3, "stored"),
        (3, 36, 47, 3, "gone"),
    ]
    shown = client.get(items[1]["preview_url"])
    assert (shown.mimetype, shown.data) == ("image/jpeg", b"\xff\xd8 picture")
    assert items[3]["preview_url"] is None
    assert client.get(f"{JOBS}/{job_id}/chunks/3/preview").status_code == 404


@pytest.mark.parametrize("digits", [10, 300, 5000])
def test_a_number_that_no_chunk_has_is_not_found(client: FlaskClient, job_id: str, digits: int) -> None:
    """Fails when a file is looked for whatever the number's length: tried, 500 as no name may be so long."""
    answer = client.get(f"{JOBS}/{job_id}/chunks/{'9' * digits}/preview")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


def test_latents_taken_over_from_another_clip_are_no_chunks_of_this_one(
    client: FlaskClient, worker: SimulatedWorker
) -> None:
    made = client.post(JOBS, json=LONG).get_json()["id"]
    claim = worker.claim()
    commit(worker.plane, claim, 0)
    commit(worker.plane, claim, 50000, history="art_x/25")
    assert [it["n"] for it in client.get(f"{JOBS}/{made}/chunks").get_json()["items"]] == [0]


def test_a_retake_is_a_job_of_the_same_spec_with_one_take_more(client: FlaskClient, job_id: str) -> None:
    answer = retake(client, job_id, chunk=2, seed=9, prompt="a dog", priority=7)
    new = answer.get_json()
    assert (answer.status_code, new["source_job_id"], new["priority"]) == (202, job_id, 7)
    old = client.get(f"{JOBS}/{job_id}").get_json()["spec"]
    take = {"chunk": 2, "seed": 9, "prompt": "a dog", "then": "keep"}
    assert new["spec"] == {**old, "long": {**old["long"], "takes": [take]}}
    drawn = retake(client, job_id, chunk=0, then="remake").get_json()["spec"]["long"]["takes"][0]
    assert (drawn["then"], drawn["prompt"]) == ("remake", None)
    assert drawn["seed"] >= 0


def test_a_retake_that_is_edited_in_the_queue_keeps_its_source(client: FlaskClient, job_id: str) -> None:
    """Fails when the source is that of the media alone: tried, it was None and every chunk would be made again."""
    url = f"{JOBS}/{retake(client, job_id, chunk=2, seed=9).get_json()['id']}"
    edited = client.patch(url, json={"spec": {"output": {"format": "webm"}}}).get_json()
    assert (edited["spec"]["output"]["format"], edited["source_job_id"]) == ("webm", job_id)
    assert [take["chunk"] for take in edited["spec"]["long"]["takes"]] == [2]
    other = client.patch(url, json={"spec": {"num_frames": 49}}).get_json()
    assert (other["spec"]["long"]["takes"], other["source_job_id"]) == ([], None)


def test_takes_add_up(client: FlaskClient, worker: SimulatedWorker, job_id: str) -> None:
    new = retake(client, job_id, chunk=2, seed=9).get_json()["id"]
    claim = worker.claim()
    for n in range(4):
        commit(worker.plane, claim, n)
    worker.succeed(claim)
    takes = retake(client, new, chunk=1, seed=8).get_json()["spec"]["long"]["takes"]
    assert [(take["chunk"], take["seed"]) for take in takes] == [(2, 9), (1, 8)]


def test_a_retake_of_a_clip_that_was_ended_early_ends_there_too(client: FlaskClient, worker: SimulatedWorker) -> None:
    """Fails when the new job does not say where it ends: tried, it then makes the whole clip."""
    made = client.post(JOBS, json=LONG).get_json()["id"]
    claim = worker.claim()
    for n in range(2):
        commit(worker.plane, claim, n)
    client.post(f"{JOBS}/{made}/stop")
    worker.succeed(claim)
    assert retake(client, made, chunk=1).get_json()["spec"]["long"]["last_chunk"] == 1
    refused = retake(client, made, chunk=2).get_json()
    assert (refused["errors"][0]["field"], refused["errors"][0]["nearest"]) == ("chunk", [1])


def test_what_cannot_be_retaken_is_said(client: FlaskClient, worker: SimulatedWorker, job_id: str) -> None:
    beyond = retake(client, job_id, chunk=4)
    assert (beyond.status_code, beyond.get_json()["errors"][0]["nearest"]) == (422, [3])
    assert retake(client, job_id, chunk=-1).get_json()["errors"][0]["field"] == "chunk"
    assert retake(client, "job_unknown", chunk=0).status_code == 404
    queued = client.post(JOBS, json=LONG).get_json()["id"]
    assert retake(client, queued, chunk=0).get_json()["code"] == "job_not_finished"
    client.post(f"{JOBS}/{queued}/cancel")
    client.post(JOBS, json={"prompt": "x"})
    short = worker.run()
    assert retake(client, short, chunk=0).get_json()["code"] == "not_chunked"
    assert retake(client, job_id, chunk=0, many=1).get_json()["code"] == "invalid_request"


@pytest.mark.parametrize("verb", ["retake", "extend"])
def test_the_same_request_with_the_same_key_is_the_same_job(client: FlaskClient, job_id: str, verb: str) -> None:
    """Also where a seed is drawn. Fails when the drawn seed is part of what is compared: tried."""
    body = {"chunk": 1} if verb == "retake" else {"num_frames": 8}

    def send(**more: Any) -> Any:
        return client.post(f"{JOBS}/{job_id}/{verb}", json={**body, **more}, headers={"Idempotency-Key": "k"})

    first, second = send(), send()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.get_json()["id"] == first.get_json()["id"]
    assert send(seed=1).get_json()["code"] == "idempotency_mismatch"


@pytest.mark.parametrize("verb", ["retake", "extend"])
def test_the_same_key_does_not_serve_for_another_clip(
    client: FlaskClient, worker: SimulatedWorker, job_id: str, verb: str
) -> None:
    """Fails when the clip is no part of what is compared: tried, the other clip's job was answered."""
    other = client.post(JOBS, json=LONG).get_json()["id"]
    claim = worker.claim()
    commit(worker.plane, claim, 0)
    commit(worker.plane, claim, 1)
    worker.succeed(claim)
    body, key = {"chunk": 1} if verb == "retake" else {"num_frames": 8}, {"Idempotency-Key": "k"}
    assert client.post(f"{JOBS}/{job_id}/{verb}", json=body, headers=key).status_code == 202
    answer = client.post(f"{JOBS}/{other}/{verb}", json=body, headers=key)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "idempotency_mismatch")


def test_an_extension_goes_on_from_the_clip_with_its_settings(client: FlaskClient, job_id: str) -> None:
    new = client.post(f"{JOBS}/{job_id}/extend", json={"seconds": 3, "seed": 5}).get_json()
    spec, old = new["spec"], client.get(f"{JOBS}/{job_id}").get_json()
    clip = next(it for it in old["artifacts"] if it["kind"] == "video")
    assert (new["task"], new["source_job_id"]) == ("extend-video", job_id)
    assert (spec["video"]["artifact_id"], spec["num_frames"], spec["seed"]) == (clip["id"], 24, 5)
    assert (spec["prompt"], spec["direction"]) == (LONG["prompt"], "forward")
    backward = {"direction": "backward", "num_frames": 9, "from_frame": 12, "prompt": "a dog"}
    spec = client.post(f"{JOBS}/{job_id}/extend", json=backward).get_json()["spec"]
    assert {name: spec[name] for name in backward} == backward


TOLD = {
    "prompt": "a bird",
    "segments": [{"frames": 17}, {"prompt": "a dog", "frames": 24}, {"prompt": "x", "frames": 8}],
}


@pytest.mark.parametrize(
    ("asked", "prompt"),
    [
        ({}, "x"),
        ({"from_frame": 16}, "a bird"),
        ({"from_frame": 17}, "a dog"),
        ({"from_frame": -9}, "a dog"),
        ({"from_seconds": 2}, "a bird"),
        ({"from_seconds": 4}, "a dog"),
        ({"direction": "backward", "num_frames": 9}, "a bird"),
        ({"direction": "backward", "num_frames": 9, "from_frame": 41}, "x"),
        ({"from_frame": 16, "prompt": "a fox"}, "a fox"),
    ],
)
def test_an_extension_has_the_prompt_of_the_segment_that_it_goes_on_from(
    client: FlaskClient, worker: SimulatedWorker, asked: dict[str, Any], prompt: str
) -> None:
    """Fails when it is always that of the last segment (backward: the first): tried."""
    client.post(JOBS, json=TOLD)
    made = worker.run()
    spec = client.post(f"{JOBS}/{made}/extend", json={"num_frames": 8, **asked}).get_json()["spec"]
    assert spec["prompt"] == prompt


@pytest.mark.parametrize(
    ("asked", "length", "prompts"),
    [
        ({"num_frames": 24, "from_frame": 20}, 45, {16: "a bird", 20: "a dog", 21: "a fox", 44: "a fox"}),
        (
            {"direction": "backward", "num_frames": 9, "from_frame": 12},
            46,
            {8: "a fox", 9: "a bird", 13: "a bird", 14: "a dog", 45: "x"},
        ),
    ],
)
def test_in_the_part_that_was_there_an_extension_has_the_first_clips_prompts(
    client: FlaskClient, worker: SimulatedWorker, asked: dict[str, Any], length: int, prompts: dict[int, str]
) -> None:
    """Fails when the prompt of the job that made the clip longer is taken for all of it: tried."""
    client.post(JOBS, json=TOLD)
    made = client.post(f"{JOBS}/{worker.run()}/extend", json={**asked, "prompt": "a fox"}).get_json()["id"]
    worker.succeed(worker.claim(), num_frames=length)
    found = {
        frame: client.post(f"{JOBS}/{made}/extend", json={"num_frames": 8, "from_frame": frame}).get_json()["spec"]
        for frame in prompts
    }
    assert {frame: spec["prompt"] for frame, spec in found.items()} == prompts


@pytest.mark.parametrize(
    ("asked", "field", "nearest"),
    [
        ({"num_frames": 9}, "num_frames", [8, 12]),
        ({"direction": "backward", "num_frames": 8}, "num_frames", [5, 9]),
        ({"num_frames": 8, "from_frame": 61}, "from_frame", [60]),
        ({"num_frames": 8, "from_seconds": 99}, "from_seconds", [7.5]),
        ({"direction": "up"}, "direction", None),
    ],
)
def test_a_wrong_extension_is_refused_with_what_would_do(
    client: FlaskClient, job_id: str, asked: dict[str, Any], field: str, nearest: list[float] | None
) -> None:
    error = client.post(f"{JOBS}/{job_id}/extend", json=asked).get_json()["errors"][0]
    assert (error["field"], error.get("nearest")) == (field, nearest)


def test_a_clip_that_does_not_exist_yet_is_not_extended(client: FlaskClient) -> None:
    made = client.post(JOBS, json=LONG).get_json()["id"]
    assert client.post(f"{JOBS}/{made}/extend", json={}).get_json()["code"] == "job_not_finished"
    client.post(f"{JOBS}/{made}/cancel")
    assert client.post(f"{JOBS}/{made}/extend", json={}).get_json()["code"] == "job_not_finished"


def test_keyframes_are_checked_like_any_media(client: FlaskClient, job_id: str) -> None:
    artifacts = client.get(f"{JOBS}/{job_id}").get_json()["artifacts"]
    ids = {it["kind"]: it["id"] for it in artifacts}
    key = {"image": {"artifact_id": ids["poster"]}, "seconds": 1}
    job = client.post(JOBS, json={**LONG, "keyframes": [key]}).get_json()
    assert (job["task"], job["spec"]["keyframes"][0]["frame"]) == ("text-to-video", 8)
    for image, code in (
        ({"artifact_id": "art_gone"}, "media_not_found"),
        ({"artifact_id": ids["receipt"]}, "media_kind"),
    ):
        answer = client.post(JOBS, json={**LONG, "keyframes": [{"image": image, "frame": 5}]}).get_json()
        assert (answer["code"], answer["errors"][0]["field"]) == (code, "keyframes.0.image")


@pytest.mark.parametrize(
    ("more", "last"),
    [
        ({}, 3),
        ({"long": {"overlap": 4}}, 3),
        ({"num_frames": None, "segments": [{"frames": 17}, {"frames": 24}, {"frames": 17, "cut": True}]}, 3),
        ({"num_frames": 60, "long": {"loop": True}}, 4),
    ],
)
def test_a_take_of_a_chunk_that_the_clip_will_not_have_is_refused_at_once(
    client: FlaskClient, more: dict[str, Any], last: int
) -> None:
    """Fails when the worker alone counts chunks: tried, the job was queued."""

    def asked(chunk: int) -> Any:
        long = {**more.get("long", {}), "takes": [{"chunk": 0, "seed": 1}, {"chunk": chunk, "seed": 1}]}
        body = {name: value for name, value in {**LONG, **more, "long": long}.items() if value is not None}
        return client.post(JOBS, json=body)

    refused = asked(99)
    error = refused.get_json()["errors"][0]
    assert (refused.status_code, error["field"], error["nearest"]) == (422, "long.takes.1.chunk", [last])
    assert asked(last + 1).status_code == 422
    assert asked(last).status_code == 202


def test_prompts_over_time_of_which_there_are_none_are_refused(client: FlaskClient) -> None:
    """A spec that is sent as it was read back is taken. Fails when they count as left out: tried, 202."""
    refused = client.post(JOBS, json={"segments": []})
    assert (refused.status_code, refused.get_json()["errors"][0]["field"]) == (422, "segments")
    assert client.post(JOBS, json={"segments": [], "prompt": ""}).status_code == 202
    spec = client.post(JOBS, json={"prompt": "a cat"}).get_json()["spec"]
    assert client.post(JOBS, json=spec).status_code == 202

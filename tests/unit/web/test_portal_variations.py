"""Longer clips and other takes from the viewer, as forms without scripts."""

import re

import pytest
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from tests.unit.web.portal_forms import send
from tests.unit.web.test_variations_api import LONG, commit
from vidgen.jobs.service import ControlPlane

JOINTS = [
    {"frames": [12, 12], "verdict": "pass", "score": 0.42},
    {"frames": [24, 26], "verdict": "fail", "score": 1.5},
    {"frames": [36, 36], "verdict": "cut", "score": 0},
]


@pytest.fixture
def job_id(client: FlaskClient, worker: SimulatedWorker) -> str:
    """A finished clip of four chunks, the second of which was made twice."""
    made = client.post("/api/v1/jobs", json=LONG).get_json()["id"]
    claim = worker.claim()
    for n in range(4):
        commit(worker.plane, claim, n)
    commit(worker.plane, claim, 4, chunk=1, take=0, prompt="a fox", first_frame=12, last_frame=23)
    worker.succeed(claim, JOINTS)
    return str(made)


def test_chunks_are_shown_in_order_with_their_latest_take(client: FlaskClient, job_id: str) -> None:
    """Fails when takes are shown beside what they replace: tried."""
    page = client.get(f"/?job={job_id}").get_data(as_text=True)
    assert re.findall(r'class="no-js hint">(\d+–\d+)<', page) == ["1–12", "13–24", "25–36", "37–48"]
    assert re.findall(r'id="take-prompt-\d"[^>]*placeholder="([^"]+)"', page) == ["a cat", "a fox", "a cat", "a cat"]
    assert f"/api/v1/jobs/{job_id}/chunks/0/preview" in page


def test_every_joint_tells_its_score(client: FlaskClient, job_id: str) -> None:
    """Fails when joints are told of the chunk before them: tried."""
    page = client.get(f"/?job={job_id}").get_data(as_text=True)
    told = re.findall(
        r'class="seam (\w+)"[^>]*><span class="unseen">Joint before chunk (\d): ([a-z ]+)</span>([^<]+)<', page
    )
    assert told == [("pass", "2", "does not show", "0.42"), ("fail", "3", "shows", "1.5"), ("cut", "4", "a cut", "✂")]


def test_a_chunk_is_made_again(client: FlaskClient, plane: ControlPlane, job_id: str) -> None:
    form = {"chunk": "2", "seed": "9", "prompt": "a dog", "then": "remake"}
    status, where = send(client, f"/jobs/{job_id}/retake", **form)
    assert status == 303
    made = plane.jobs.get(where.rsplit("/", 1)[1])
    assert made
    assert made.source_job_id == job_id
    assert made.spec.long
    (take,) = made.spec.long.takes
    assert (take.chunk, take.seed, take.prompt, take.then) == (2, 9, "a dog", "remake")
    status, page = send(client, f"/jobs/{job_id}/retake", chunk="7")
    assert status == 422
    assert "chunks 0 to 3 were made" in page


def test_a_clip_is_made_longer_at_either_end(client: FlaskClient, plane: ControlPlane, job_id: str) -> None:
    assert f"/jobs/{job_id}/extend" in client.get(f"/?job={job_id}").get_data(as_text=True)
    for form, frames in (({"direction": "forward"}, 16), ({"direction": "backward", "number": "5"}, 17)):
        status, where = send(client, f"/jobs/{job_id}/extend", seconds="2", prompt="a dog", **form)
        assert status == 303
        made = plane.jobs.get(where.rsplit("/", 1)[1])
        assert made
        spec = made.spec.model_dump()
        assert (spec["task"], spec["direction"], spec["prompt"]) == ("extend-video", form["direction"], "a dog")
        assert spec["from_frame"] == (4 if "number" in form else None)
        assert spec["num_frames"] == frames
    for number in ("x", "9" * 5000):
        status, page = send(client, f"/jobs/{job_id}/extend", number=number)
        assert (status, "number: give a whole number" in page) == (422, True)
    assert client.get(f"/jobs/{made.id}").status_code == 200
    assert client.get(f"/?reuse={made.id}").status_code == 200

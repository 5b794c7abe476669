"""Sweeps over HTTP: which jobs are queued, that all are or none, and the sheet that shows them."""

import io
import json
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from tests.simulated_worker import SimulatedWorker

SWEEPS, JOBS = "/api/v1/sweeps", "/api/v1/jobs"
SMALL = {"prompt": "a cat", "num_frames": 5, "num_inference_steps": 1}


def queue(client: FlaskClient, spec: Any = SMALL, headers: Any = None, **vary: list[Any]) -> Any:
    axes = [{"field": field.replace("__", "."), "values": values} for field, values in vary.items()]
    return client.post(SWEEPS, json={"spec": spec, "vary": axes}, headers=headers)


def specs(client: FlaskClient, sweep: Any) -> list[dict[str, Any]]:
    """The cells' specs, row by row."""
    return [client.get(f"{JOBS}/{cell['job_id']}").get_json()["spec"] for cell in sweep["cells"]]


def test_every_combination_is_a_job_in_its_place(client: FlaskClient) -> None:
    """Fails when rows and columns are exchanged: tried."""
    answer = queue(client, guidance_scale=[1, 4], seed=[7, -1])
    assert (answer.status_code, answer.headers["Location"]) == (202, f"{SWEEPS}/{answer.get_json()['id']}")
    sweep = client.get(answer.headers["Location"]).get_json()
    assert sweep == answer.get_json()
    made = specs(client, sweep)
    assert [(cell["column"], cell["row"]) for cell in sweep["cells"]] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert [spec["guidance_scale"] for spec in made] == [1.0, 4.0, 1.0, 4.0]
    drawn = made[2]["seed"]
    assert [spec["seed"] for spec in made] == [7, 7, drawn, drawn]
    assert sweep["axes"] == [
        {"field": "guidance_scale", "values": ["1", "4"]},
        {"field": "seed", "values": ["7", str(drawn)]},
    ]
    assert drawn >= 0
    assert client.get(SWEEPS).get_json()["items"] == [sweep]


def test_a_seed_grid_draws_each_seed_and_records_it(client: FlaskClient) -> None:
    sweep = queue(client, seed=[-1, -1, -1, -1]).get_json()
    seeds = [spec["seed"] for spec in specs(client, sweep)]
    assert len(set(seeds)) == 4
    assert sweep["axes"][0]["values"] == list(map(str, seeds))


def test_without_a_seed_all_clips_have_one_drawn_for_them(client: FlaskClient) -> None:
    sweep = queue(client, advanced__sampler=["euler", "unipc"]).get_json()
    first, second = specs(client, sweep)
    assert first["seed"] == second["seed"]
    assert [spec["advanced"]["sampler"] for spec in (first, second)] == ["euler", "unipc"]


def test_all_are_queued_or_none(client: FlaskClient) -> None:
    """Five jobs may wait here. Fails when the jobs are queued one after the other: tried, five were there."""
    assert queue(client, seed=[1, 2]).status_code == 202
    answer = queue(client, seed=[1, 2, 3, 4])
    assert (answer.status_code, answer.get_json()["code"]) == (429, "queue_full")
    assert len(client.get(JOBS).get_json()["items"]) == 2
    assert len(client.get(SWEEPS).get_json()["items"]) == 1


def test_the_same_key_queues_nothing_new(client: FlaskClient) -> None:
    key = {"Idempotency-Key": "mine"}
    first, again = (queue(client, headers=key, seed=[-1, -1]) for _ in range(2))
    assert first.get_json() == again.get_json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(client.get(JOBS).get_json()["items"]) == 2
    other = queue(client, headers=key, seed=[3])
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_mismatch")


@pytest.mark.parametrize(
    ("vary", "code", "field"),
    [
        ({"seed": list(range(65))}, "invalid_request", "vary.0.values"),
        ({"num_frames": [5, 6]}, "invalid_spec", "num_frames"),
        ({"advanced__sampler": ["euler", "ddim"]}, "invalid_spec", "advanced.sampler"),
        ({"colour": ["red"]}, "invalid_request", "colour"),
        ({"model": ["sprites-64", "nowhere"]}, "unknown_model", "model"),
        ({"seed": list(range(9)), "num_inference_steps": list(range(1, 9))}, "invalid_spec", "vary"),
        ({}, "invalid_request", "vary"),
    ],
)
def test_what_cannot_be_made_is_refused_and_nothing_is_queued(
    client: FlaskClient, vary: dict[str, list[Any]], code: str, field: str
) -> None:
    problem = queue(client, **vary).get_json()
    assert (problem["code"], problem["errors"][0]["field"]) == (code, field)
    assert client.get(JOBS).get_json()["items"] == []


def test_clips_that_are_only_processed_are_no_sweep(client: FlaskClient) -> None:
    upload = client.post("/api/v1/uploads", data={"file": (io.BytesIO(b"clip"), "x.mp4")}).get_json()["id"]
    spec = {"task": "process-video", "video": {"upload_id": upload}}
    problem = queue(client, spec, output__format=["mp4"]).get_json()
    assert problem["errors"][0]["field"] == "task"


def test_the_sheet_shows_what_is_there_and_is_kept_until_more_is(client: FlaskClient, worker: SimulatedWorker) -> None:
    """Fails when a cell is drawn at another cell's place: tried."""
    sweep = queue(client, seed=[1, 2]).get_json()
    empty = client.get(sweep["sheet_url"])
    assert (empty.status_code, empty.mimetype) == (200, "image/png")
    client.post(f"{JOBS}/{sweep['cells'][0]['job_id']}/cancel")
    assert worker.run() == sweep["cells"][1]["job_id"]
    shown = client.get(sweep["sheet_url"])
    with Image.open(io.BytesIO(shown.data)) as sheet:
        about = json.loads(sheet.text["vidgen"])
        width = sheet.width // 2
        left, right = (sheet.convert("RGB").crop((n * width, 40, (n + 1) * width, sheet.height)) for n in (0, 1))
    assert [cell["spec"]["seed"] for cell in about] == [1, 2]
    # the played worker's pictures are blue with a light square; what was cancelled is paper with a grey word
    assert _share_of_blue(left) == 0
    assert _share_of_blue(right) > 0.3
    assert client.get(sweep["sheet_url"], headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304
    assert client.get(sweep["sheet_url"], headers={"If-None-Match": empty.headers["ETag"]}).status_code == 200


def _share_of_blue(picture: Image.Image) -> float:
    pixels = np.asarray(picture).astype(int)
    return float((pixels[..., 2] > pixels[..., 0] + 60).mean())


def test_cancelling_ends_what_is_left(client: FlaskClient, worker: SimulatedWorker) -> None:
    sweep = queue(client, seed=[1, 2, 3]).get_json()
    worker.run()
    ended = client.post(f"{SWEEPS}/{sweep['id']}/cancel").get_json()
    assert [cell["status"] for cell in ended["cells"]] == ["succeeded", "cancelled", "cancelled"]
    assert ended["finished"]


def test_a_sweep_goes_with_its_last_job(client: FlaskClient) -> None:
    sweep = queue(client, seed=[1, 2]).get_json()
    client.delete(f"{JOBS}/{sweep['cells'][0]['job_id']}")
    left = client.get(f"{SWEEPS}/{sweep['id']}").get_json()
    assert [cell["column"] for cell in left["cells"]] == [1]
    client.delete(f"{JOBS}/{sweep['cells'][1]['job_id']}")
    assert client.get(f"{SWEEPS}/{sweep['id']}").get_json()["code"] == "not_found"
    assert client.get(f"{SWEEPS}/{sweep['id']}/sheet").status_code == 404

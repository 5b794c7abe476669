"""What is told of a job before it is queued."""

import pytest
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker

JOBS = "/api/v1/jobs"
PROMPT = {"prompt": "a cat moves left"}


def test_a_forecast_grows_with_the_work_and_the_queue(client: FlaskClient) -> None:
    def forecast(**fields: object) -> dict[str, float]:
        answer = client.post(f"{JOBS}/forecast", json={**PROMPT, **fields})
        assert answer.status_code == 200
        return dict(answer.get_json())

    few, many = forecast(num_inference_steps=10), forecast(num_inference_steps=100)
    assert few["seconds"] < many["seconds"]
    assert few["queue_seconds"] == 0
    assert few["disk_free_bytes"] > few["disk_bytes"] > 0
    client.post(JOBS, json=PROMPT)
    assert forecast()["jobs_ahead"] == 1
    assert forecast()["queue_seconds"] > 0
    assert client.post(f"{JOBS}/forecast", json={"num_frames": 20}).status_code == 422


def test_a_forecast_counts_what_regions_and_keyed_cameras_cost(client: FlaskClient) -> None:
    """Each is one more prediction a step; of a region the model is asked as well. Fails when they are not counted:
    tried."""

    def work(**fields: object) -> float:
        """Seconds of 100 steps, beside what a clip of one step takes."""
        asked = {**PROMPT, **fields}
        made = [client.post(f"{JOBS}/forecast", json={**asked, "num_inference_steps": it}) for it in (100, 1)]
        return float(made[0].get_json()["seconds"] - made[1].get_json()["seconds"])

    box = {"left": 0, "top": 0, "right": 0.5, "bottom": 1}
    region = {"prompt": "a dog", "box": box}
    turning = {"keys": [{"at": 0, "pan": -6}, {"at": 1, "pan": 6}]}
    plain, two_moves = work(), work(camera=turning)
    assert work(camera={"preset": "pan-left"}) == pytest.approx(plain, rel=0.1)
    assert two_moves == pytest.approx(3 * plain, rel=0.1)
    assert work(regions=[region, region]) == pytest.approx(3 * plain, rel=0.1)
    assert work(regions=[region], camera=turning) == pytest.approx(6 * plain, rel=0.1)
    assert work(guidance_scale=1) == pytest.approx(plain / 2, rel=0.1)
    one_step = {**PROMPT, "num_inference_steps": 1, "regions": [region] * 8}
    with_judge = client.post(f"{JOBS}/forecast", json=one_step).get_json()["seconds"]
    without = client.post(f"{JOBS}/forecast", json={**PROMPT, "num_inference_steps": 9}).get_json()["seconds"]
    assert with_judge > without + 0.2


def test_a_forecast_learns_from_what_jobs_took(client: FlaskClient, worker: SimulatedWorker) -> None:
    body = {**PROMPT, "num_inference_steps": 100}
    before = client.post(f"{JOBS}/forecast", json=body).get_json()
    client.post(JOBS, json=body)
    worker.run(steps=0)  # at once, so much faster than the manifest says
    after = client.post(f"{JOBS}/forecast", json=body).get_json()
    assert (before["measured_jobs"], after["measured_jobs"]) == (0, 1)
    assert after["seconds"] < before["seconds"]

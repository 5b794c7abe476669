"""What is told of a job before it is queued."""

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


def test_a_forecast_learns_from_what_jobs_took(client: FlaskClient, worker: SimulatedWorker) -> None:
    body = {**PROMPT, "num_inference_steps": 100}
    before = client.post(f"{JOBS}/forecast", json=body).get_json()
    client.post(JOBS, json=body)
    worker.run(steps=0)  # at once, so much faster than the manifest says
    after = client.post(f"{JOBS}/forecast", json=body).get_json()
    assert (before["measured_jobs"], after["measured_jobs"]) == (0, 1)
    assert after["seconds"] < before["seconds"]

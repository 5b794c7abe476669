"""A retake and a branch asked for over HTTP and made by the real engine: what is made again, and what stays."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from tests.faults.counted_engine import LEDGER_VARIABLE
from tests.faults.worker_process import runner_environment
from tests.jobs_fixtures import control_plane
from vidgen.media.reader import every_frame
from vidgen_web import create_app
from vidgen_web.services import EXTENSION
from vidgen_workers.runner_process import RunnerProcess
from vidgen_workers.supervisor import Supervisor

pytestmark = [pytest.mark.integration, pytest.mark.slow]

JOBS = "/api/v1/jobs"
CLIP = {
    "task": "text-to-video",
    "model": "tiny",
    "prompt": "a red cat",
    "seed": 3,
    "num_frames": 61,
    "width": 32,
    "height": 32,
    "num_inference_steps": 1,
    "output": {"quality": "lossless"},
}
"""Four chunks; chunk 2 is the first to show frame 33, and hands its last latents on from frame 45."""


# three renders by one runner took five minutes where a load of 28 shared two cores
@pytest.mark.timeout(900)
def test_a_retake_makes_one_chunk_and_a_branch_makes_the_rest(
    tmp_path: Path, tiny_manifests: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when the job does not name its source, so that no chunk is lent: tried, all four are made again."""
    ledger = tmp_path / "ledger"
    ledger.mkdir()
    monkeypatch.setenv(LEDGER_VARIABLE, str(ledger))
    monkeypatch.setenv("PYTHONPATH", runner_environment())
    runner = RunnerProcess("tests.faults.counted_engine:render", models=[tiny_manifests])
    with control_plane(tmp_path, model_folders=(tiny_manifests,), lease_seconds=60.0) as plane:
        app = create_app(plane.settings, ingest_command=(sys.executable, "-c", ""))
        client, supervisor = app.test_client(), Supervisor(plane, runner, "w")

        def made(path: str, body: dict[str, Any]) -> tuple[Counter[int], np.ndarray]:
            """How often each chunk was made for the job, and its frames."""
            answer = client.post(path, json=body)
            assert answer.status_code == 202, answer.get_json()
            job_id = answer.get_json()["id"]
            assert supervisor.run_next()
            begun = Counter(int(file.name.partition("-")[0]) for file in (ledger / job_id).iterdir())
            return begun, frames_of(client, job_id, tmp_path)

        try:
            first, whole = made(JOBS, CLIP)
            source = client.get(JOBS).get_json()["items"][0]["id"]
            retaken, other = made(f"{JOBS}/{source}/retake", {"chunk": 2, "seed": 99})
            branched, rest = made(f"{JOBS}/{source}/retake", {"chunk": 2, "seed": 99, "then": "remake"})
        finally:
            runner.stop()
            app.extensions[EXTENSION].engine.dispose()
    assert first == {0: 1, 1: 1, 2: 1, 3: 1}
    assert retaken == {4: 1}, "the take alone, under the next number"
    assert branched == {2: 1, 3: 1}
    assert np.array_equal(other[:33], whole[:33])
    assert np.array_equal(rest[:33], whole[:33])
    assert not np.array_equal(other[33:45], whole[33:45])
    assert not np.array_equal(rest[45:], other[45:])


def frames_of(client: FlaskClient, job_id: str, folder: Path) -> np.ndarray:
    job = client.get(f"{JOBS}/{job_id}").get_json()
    assert job["status"] == "succeeded", job["error"]
    (url,) = [artifact["url"] for artifact in job["artifacts"] if artifact["kind"] == "video"]
    path = folder / f"{job_id}.mp4"
    with client.get(url) as answer:
        path.write_bytes(answer.data)
    return np.stack(list(every_frame(path)))

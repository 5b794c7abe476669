"""The real engine in the runner process, with a tiny model of random weights."""

from pathlib import Path

import pytest

from tests.faults.worker_process import runner_environment
from tests.jobs_fixtures import control_plane, make_spec
from vidgen.spec import JobStatus
from vidgen_workers.runner_process import RunnerProcess
from vidgen_workers.supervisor import Supervisor

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_a_job_becomes_a_clip(tmp_path: Path, tiny_manifests: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", runner_environment())
    runner = RunnerProcess(models=[tiny_manifests])
    with control_plane(tmp_path) as plane:
        spec = make_spec(model="tiny", num_inference_steps=2)
        made = plane.jobs.create(spec, model_revision="1", max_queued=9).job
        try:
            assert Supervisor(plane, runner, "w").run_next()
        finally:
            runner.stop()
        job = plane.jobs.get(made.id)
        assert job is not None
        assert job.status is JobStatus.SUCCEEDED, job.error
        assert {artifact.kind for artifact in job.artifacts} == {"video", "poster", "sprite_sheet", "receipt"}
        video = next(artifact for artifact in job.artifacts if artifact.kind == "video")
        assert (video.width, video.height, video.num_frames, video.fps) == (64, 64, 5, 8.0)
        key = plane.jobs.artifact_key(video.id)
        assert key is not None
        assert plane.store.path(key).read_bytes()[4:8] == b"ftyp"
        assert "job.progress" in [event.kind for event in plane.jobs.events(0, job.id)]

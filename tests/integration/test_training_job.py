"""A LoRA trained as a job by the real engine in the runner process, used by the next job."""

from pathlib import Path

import numpy as np
import pytest

from tests.faults.worker_process import runner_environment
from tests.jobs_fixtures import control_plane, make_spec
from vidgen.media.writer import write_video
from vidgen.spec import JOB_SPEC, JobStatus
from vidgen_models.registry import ModelRegistry
from vidgen_workers.runner_process import RunnerProcess
from vidgen_workers.supervisor import Supervisor

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_a_trained_lora_is_used_by_the_next_job(
    tmp_path: Path, tiny_manifests: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when the weights are not installed before the job has succeeded."""
    monkeypatch.setenv("PYTHONPATH", runner_environment())
    with control_plane(tmp_path) as plane:
        added = plane.settings.added_models
        runner = RunnerProcess(models=[tiny_manifests, added])
        clip = write_video([np.full((12, 32, 32, 3), 90, np.uint8)], tmp_path / "clip.mp4", fps=8).path
        about = {"filename": "clip.mp4", "kind": "video", "content_type": "video/mp4", "width": 32, "height": 32}
        upload = plane.uploads.add(clip, **about, num_frames=12, fps=8.0)
        fields = {"task": "train-lora", "model": "tiny", "name": "mine", "prompt": "a red cat", "num_frames": 5}
        fields |= {"clips": [{"video": {"upload_id": upload.id}}], "steps": 2, "rank": 2, "batch": 1, "seed": 1}
        trained = plane.jobs.create(JOB_SPEC.validate_python(fields), model_revision="1", max_queued=9).job
        using = make_spec(model="tiny", num_inference_steps=1, advanced={"loras": [{"id": "mine", "weight": 1.0}]})
        used = plane.jobs.create(using, model_revision="1", max_queued=9).job
        try:
            supervisor = Supervisor(plane, runner, "w")
            assert supervisor.run_next()
            assert ModelRegistry(tiny_manifests, added).get("tiny").rules.loras == ("mine",)
            assert supervisor.run_next()
        finally:
            runner.stop()
        for made, kinds in ((trained, {"lora", "receipt"}), (used, {"video", "poster", "sprite_sheet", "receipt"})):
            job = plane.jobs.get(made.id)
            assert job is not None
            assert job.status is JobStatus.SUCCEEDED, job.error
            assert {artifact.kind for artifact in job.artifacts} == kinds

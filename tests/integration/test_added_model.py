"""A model of another family, added as a user adds it, becomes a clip in the runner process of a real worker."""

from pathlib import Path

import pytest

from tests.faults.worker_process import runner_environment
from tests.jobs_fixtures import control_plane
from tests.tiny_families import wan
from vidgen.families.installation import Wishes, manifest_for
from vidgen.spec import JobStatus, TextToVideo, resolve
from vidgen_models.shelf import Shelf
from vidgen_workers.runner_process import RunnerProcess
from vidgen_workers.supervisor import Supervisor

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_an_added_model_renders_in_the_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when a worker's runner is not given the data folder's models: tried."""
    monkeypatch.setenv("PYTHONPATH", runner_environment())
    manifest = manifest_for(wan.build(tmp_path / "wan"), Wishes(model_id="mine"))
    asked = TextToVideo(model="mine", prompt="a cat", num_frames=5, width=32, height=32, num_inference_steps=1)
    with control_plane(tmp_path) as plane:
        Shelf(plane.settings.added_models).put(manifest)
        runner = RunnerProcess(models=plane.settings.manifest_folders)
        made = plane.jobs.create(resolve(asked, manifest.rules), model_revision=manifest.revision, max_queued=9).job
        try:
            assert Supervisor(plane, runner, "w").run_next()
        finally:
            runner.stop()
        job = plane.jobs.get(made.id)
        assert job is not None
        assert job.status is JobStatus.SUCCEEDED, job.error
        video = next(artifact for artifact in job.artifacts if artifact.kind == "video")
        assert (video.width, video.height, video.num_frames) == (32, 32, 5)

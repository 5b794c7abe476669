"""Uploads, and finished jobs with files, for tests of what becomes of them."""

from tests.jobs_fixtures import queue_job
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.views import FinishedFile


def add_upload(plane: ControlPlane, filename: str = "holiday.png") -> str:
    source = plane.settings.data_dir / "normalised.png"
    source.write_bytes(b"png")
    upload = plane.uploads.add(source, filename=filename, kind="image", content_type="image/png", width=4, height=2)
    assert plane.uploads.get(upload.id) == upload
    return upload.id


def finish_with(plane: ControlPlane, size: int) -> str:
    """A finished job with a file of so many bytes."""
    queue_job(plane)
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    file = plane.store.artifact_path(claim.job_id, claim.attempt, "video.mp4")
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x" * size)
    key = plane.store.key(file)
    plane.jobs.succeed(claim, [FinishedFile("video", key, "video.mp4", "video/mp4", size, "0" * 64, 64, 64, 5, 8.0)])
    return claim.job_id

"""How long a job will take and when it will start, from the manifest's costs and the queue. Promises nothing."""

import shutil

from pydantic import Field
from vidgen_models.registry import Manifest

from vidgen.jobs.views import Job
from vidgen.spec import JobStatus, SamplingFields, VideoToVideo
from vidgen.spec.base import SpecModel
from vidgen_web.services import Services

PAGE = 100
LOOKED_AT = 500
LOAD_AND_WRITE_SECONDS = 1.0
BYTES_PER_PIXEL = 0.4
BYTES_BESIDE_THE_CLIP = 64 * 1024


class Forecast(SpecModel):
    """What to expect of a job, were it queued now."""

    seconds: float = Field(description="Time of the run itself, on two CPU cores.")
    queue_seconds: float = Field(description="Time until it starts, when one worker runs one job after the other.")
    jobs_ahead: int
    disk_bytes: int = Field(description="Size of the files it will leave, an upper estimate.")
    disk_free_bytes: int


def forecast(services: Services, spec: SamplingFields, manifest: Manifest) -> Forecast:
    """The forecast of a resolved spec."""
    ahead = _unfinished(services)
    return Forecast(
        seconds=round(run_seconds(spec, manifest), 1),
        queue_seconds=round(sum(_left(services, job) for job in ahead), 1),
        jobs_ahead=len(ahead),
        disk_bytes=round(_pixels(spec) * BYTES_PER_PIXEL) + BYTES_BESIDE_THE_CLIP,
        disk_free_bytes=shutil.disk_usage(services.settings.data_dir).free,
    )


def run_seconds(spec: SamplingFields, manifest: Manifest) -> float:
    """Seconds a resolved spec will run: its steps, scaled from the default size to its own."""
    sides, frames = manifest.rules.sides, manifest.rules.frames
    size = _pixels(spec) / (sides.default_width * sides.default_height * frames.default)
    steps = float(spec.num_inference_steps or manifest.rules.steps.default)
    if isinstance(spec, VideoToVideo):
        steps *= manifest.rules.strength if spec.strength is None else spec.strength
    return LOAD_AND_WRITE_SECONDS + steps * manifest.seconds_per_step * size


def _unfinished(services: Services) -> list[Job]:
    found: list[Job] = []
    for status in (JobStatus.RUNNING, JobStatus.QUEUED):
        cursor = None
        while len(found) < LOOKED_AT:
            page = services.jobs.list(limit=PAGE, cursor=cursor, status=status)
            found.extend(page.items)
            cursor = page.next_cursor
            if cursor is None:
                break
    return found


def _left(services: Services, job: Job) -> float:
    if job.eta_seconds is not None and job.status is JobStatus.RUNNING:
        return job.eta_seconds
    manifest = services.models.manifests.get(job.model)
    return run_seconds(job.spec, manifest) * (1 - job.progress) if manifest else 0.0


def _pixels(spec: SamplingFields) -> int:
    return (spec.width or 0) * (spec.height or 0) * (spec.num_frames or 0)

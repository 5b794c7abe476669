"""How long a job will take and when it will start: the manifest's costs, the pace of the latest jobs, the queue.

The queue is everybody's, so it looks at the jobs of all tenants; what leaves this module are sums and counts.
"""

import shutil
from collections.abc import Mapping
from statistics import median

from pydantic import Field

from vidgen.jobs.admission import memory_need
from vidgen.jobs.views import Job
from vidgen.spec import JobStatus, SamplingFields, VideoToVideo
from vidgen.spec.base import SpecModel
from vidgen_models.registry import Manifest
from vidgen_models.words import Remark, remarks
from vidgen_web.services import Services

PAGE = 100
LOOKED_AT = 500
LEARNED_FROM = 5
LOAD_AND_WRITE_SECONDS = 1.0
BYTES_PER_PIXEL = 0.4
BYTES_BESIDE_THE_CLIP = 64 * 1024


class Forecast(SpecModel):
    """What to expect of a job, were it queued now."""

    seconds: float = Field(description="Time of the run itself.")
    queue_seconds: float = Field(description="Time until it starts, when one worker runs one job after the other.")
    jobs_ahead: int
    measured_jobs: int = Field(description="How many finished jobs the time was learned from; 0: it is the manifest's.")
    memory_mb: Mapping[str, Mapping[str, int]] = Field(
        description="Peak by device and memory tier, where the model's manifest says it."
    )
    disk_bytes: int = Field(description="Size of the files it will leave, an upper estimate.")
    disk_free_bytes: int
    warnings: tuple[Remark, ...] = Field(description="Words of the prompts that the model was never shown.")


def forecast(services: Services, spec: SamplingFields, manifest: Manifest) -> Forecast:
    """The forecast of a resolved spec."""
    ahead = _unfinished(services)
    paces = _paces(services)
    learned = paces.get(manifest.id, [])
    return Forecast(
        seconds=round(run_seconds(spec, manifest) * _pace(learned), 1),
        queue_seconds=round(sum(_left(services, job, paces) for job in ahead), 1),
        jobs_ahead=len(ahead),
        measured_jobs=len(learned),
        memory_mb=memory_need(spec, manifest),
        disk_bytes=round(_pixels(spec) * BYTES_PER_PIXEL) + BYTES_BESIDE_THE_CLIP,
        disk_free_bytes=shutil.disk_usage(services.settings.data_dir).free,
        warnings=remarks(spec, manifest),
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
            page = services.every_job.list(limit=PAGE, cursor=cursor, status=status)
            found.extend(page.items)
            cursor = page.next_cursor
            if cursor is None:
                break
    return found


def _paces(services: Services) -> dict[str, list[float]]:
    """By model: how much longer than its manifest says each of the latest jobs took on this machine."""
    found: dict[str, list[float]] = {}
    for job in services.every_job.list(limit=LEARNED_FROM, status=JobStatus.SUCCEEDED).items:
        manifest = services.models.manifests.get(job.model)
        if manifest and job.started_at and job.finished_at:
            took = (job.finished_at - job.started_at).total_seconds()
            found.setdefault(job.model, []).append(took / run_seconds(job.spec, manifest))
    return found


def _pace(learned: list[float]) -> float:
    # the median, so that one run on a busy machine does not count
    return median(learned) if learned else 1.0


def _left(services: Services, job: Job, paces: dict[str, list[float]]) -> float:
    if job.eta_seconds is not None and job.status is JobStatus.RUNNING:
        return job.eta_seconds
    manifest = services.models.manifests.get(job.model)
    if manifest is None:
        return 0.0
    return run_seconds(job.spec, manifest) * _pace(paces.get(job.model, [])) * (1 - job.progress)


def _pixels(spec: SamplingFields) -> int:
    return (spec.width or 0) * (spec.height or 0) * (spec.num_frames or 0)

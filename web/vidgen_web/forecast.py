"""How long a job will take and when it will start: the manifest's costs, the pace of the latest jobs, the queue.

The queue is everybody's, so it looks at the jobs of all tenants; what leaves this module are sums and counts.
"""

import shutil
from collections.abc import Mapping
from statistics import median

from pydantic import Field

from vidgen.errors import ModelError
from vidgen.jobs.line.admission import memory_need
from vidgen.jobs.views import Job
from vidgen.longvideo.predictions import passes, predictions_of
from vidgen.spec import (
    JobSpec,
    JobStatus,
    PostStep,
    TrainLora,
    Unsampled,
    delivered_shape,
    shapes_after,
)
from vidgen.spec.base import SpecModel
from vidgen.spec.post import Restore
from vidgen_models.networks import networks_of
from vidgen_models.registry import Manifest
from vidgen_models.words import Remark
from vidgen_web.remarks import remarks_on
from vidgen_web.services import Services

PAGE = 100
LOOKED_AT = 500
LEARNED_FROM = 5
LOAD_AND_WRITE_SECONDS = 1.0
BYTES_PER_PIXEL = 0.4
LOSSLESS_BYTES_PER_PIXEL = 3.0
# measured on one core by `python -m tests.bench.post`; the pace of this machine comes on top
SECONDS_PER_MEGAPIXEL = {
    "normalise-colour": 0.02,
    "tone-map": 0.024,
    "sharpen": 0.02,
    "remove-background": 0.2,
    "watermark": 0.005,
    "draw-control": 0.2,
    "invisible-watermark": 0.08,
    "read-watermark": 0.01,
}
ENCODING_SECONDS = {"hevc": 0.13, "av1": 0.09, "vp9": 0.44, "gif": 1.5, "webp": 0.12, "png": 0.18}
OTHER_ENCODING_SECONDS = 0.07
TRAINING_WORK = 3
"""In predictions."""
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


def forecast(services: Services, spec: JobSpec, manifest: Manifest | None) -> Forecast:
    """The forecast of a resolved spec."""
    ahead = _unfinished(services)
    paces = _paces(services)
    learned = paces.get(spec.model, [])
    return Forecast(
        seconds=round(run_seconds(services, spec, manifest) * _pace(learned), 1),
        queue_seconds=round(sum(_left(services, job, paces) for job in ahead), 1),
        jobs_ahead=len(ahead),
        measured_jobs=len(learned),
        memory_mb={} if manifest is None or isinstance(spec, Unsampled) else memory_need(spec, manifest, floors=False),
        disk_bytes=_disk_bytes(spec),
        disk_free_bytes=shutil.disk_usage(services.settings.data_dir).free,
        warnings=() if manifest is None or isinstance(spec, Unsampled) else remarks_on(spec, manifest),
    )


def run_seconds(services: Services, spec: JobSpec, manifest: Manifest | None) -> float:
    """Seconds a resolved spec will run: its denoising, scaled from the default size to its own, and its steps."""
    if isinstance(spec, TrainLora):
        return LOAD_AND_WRITE_SECONDS + _training_seconds(spec, manifest)
    seconds = LOAD_AND_WRITE_SECONDS + post_seconds(services, spec)
    if manifest is None or isinstance(spec, Unsampled):
        return seconds
    sides, frames = manifest.rules.sides, manifest.rules.frames
    size = _pixels(spec) / (sides.default_width * sides.default_height * frames.default)
    return seconds + predictions_of(spec, manifest.rules) * _prediction_seconds(manifest) * size


def _prediction_seconds(manifest: Manifest) -> float:
    """At the default size; the manifest's step is one under its default guidance."""
    return manifest.seconds_per_step / passes(manifest.rules.guidance.default, manifest.rules)


def _training_seconds(spec: TrainLora, manifest: Manifest | None) -> float:
    """A step of training goes forward and back through the network: three times the work of a prediction."""
    if manifest is None:
        return 0.0
    share = (spec.num_frames or 0) / manifest.rules.frames.default
    return spec.steps * spec.batch * share * _prediction_seconds(manifest) * TRAINING_WORK


def post_seconds(services: Services, spec: JobSpec) -> float:
    """Of the steps and of the encoding, by the pixels that each gives."""
    shapes = shapes_after(spec.post, delivered_shape(spec.model_copy(update={"post": ()})))
    steps = zip(spec.post, shapes[1:], strict=True)
    seconds = sum(_step_seconds(services, step) * shape.megapixels for step, shape in steps)
    return seconds + ENCODING_SECONDS.get(spec.output.codec or "", OTHER_ENCODING_SECONDS) * shapes[-1].megapixels


def _step_seconds(services: Services, step: PostStep) -> float:
    """For a megapixel of what the step gives."""
    try:
        networks = networks_of(step, services.networks)
    except ModelError:
        return 0.0  # it was accepted before, when its network was there
    if isinstance(step, Restore):  # its network works on frames of four times the size
        return sum(4 * network.seconds_per_megapixel for network in networks)
    # of two networks after each other the first gives a quarter of the pixels
    costs = (network.seconds_per_megapixel / 4**place for place, network in enumerate(reversed(networks)))
    return sum(costs) if networks else SECONDS_PER_MEGAPIXEL[step.step]


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
        known = manifest is not None or isinstance(job.spec, Unsampled)
        if known and job.started_at and job.finished_at:
            took = (job.finished_at - job.started_at).total_seconds()
            found.setdefault(job.model, []).append(took / run_seconds(services, job.spec, manifest))
    return found


def _pace(learned: list[float]) -> float:
    # the median, so that one run on a busy machine does not count
    return median(learned) if learned else 1.0


def _left(services: Services, job: Job, paces: dict[str, list[float]]) -> float:
    if job.eta_seconds is not None and job.status is JobStatus.RUNNING:
        return job.eta_seconds
    manifest = services.models.manifests.get(job.model)
    if manifest is None and not isinstance(job.spec, Unsampled):
        return 0.0
    return run_seconds(services, job.spec, manifest) * _pace(paces.get(job.model, [])) * (1 - job.progress)


def _pixels(spec: JobSpec) -> int:
    """Of all frames before any step."""
    return (spec.width or 0) * (spec.height or 0) * (spec.num_frames or 0)


def _disk_bytes(spec: JobSpec) -> int:
    bytes_per_pixel = LOSSLESS_BYTES_PER_PIXEL if _is_large(spec) else BYTES_PER_PIXEL
    return round(delivered_shape(spec).megapixels * 1e6 * bytes_per_pixel) + BYTES_BESIDE_THE_CLIP


def _is_large(spec: JobSpec) -> bool:
    return spec.output.quality == "lossless" or spec.output.format in ("png", "gif", "prores")

"""From a requested job to a queued one: the same path for the API and for the portal's forms."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from werkzeug.datastructures import FileStorage

from vidgen import __version__
from vidgen.errors import ModelError, SpecError, VidgenError
from vidgen.jobs.database.outages import is_disk_full
from vidgen.jobs.line.admission import admit
from vidgen.jobs.line.pokes import poke
from vidgen.jobs.line.waiting import ANY_TIME, ResolvedSpec, StartBy
from vidgen.jobs.outbound.addresses import check_url
from vidgen.jobs.tenants.tenancy import LOCAL
from vidgen.jobs.views import Artifact, Created, Dialect, Job, Upload
from vidgen.longvideo.plan_of_spec import check_takes
from vidgen.spec import (
    JOB_SPEC,
    NORMAL_PRIORITY,
    ClipShape,
    ExtendVideo,
    ImageToVideo,
    JobSpec,
    ProcessVideo,
    TextToVideo,
    TrainLora,
    Unsampled,
    VideoToVideo,
    delivered_shape,
    media_refs,
    rate,
    resolve,
    resolve_process,
    resolve_training,
)
from vidgen.spec.post import DrawControl
from vidgen_models.networks import networks_of
from vidgen_models.registry import Manifest
from vidgen_web import intake, observation
from vidgen_web.caller import caller
from vidgen_web.calls_outside import call_outside
from vidgen_web.media_check import check_media, find
from vidgen_web.problems import FieldError, ProblemError, problem_of, problem_of_validation
from vidgen_web.services import Services
from vidgen_web.terms import JobChange

Spec = TextToVideo | ImageToVideo | VideoToVideo | ExtendVideo | ProcessVideo | TrainLora

MEDIA_FIELDS = ("image", "last_image", "video")
# of a clip that is processed: filled in from the source
SOURCE_FACTS = frozenset({"width", "height", "num_frames", "fps"})
# three ways to say how long a clip is
LENGTHS = frozenset({"num_frames", "seconds", "segments"})
IDEMPOTENCY_KEY = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True)
class Request:
    """What a client asked for: spec fields as given, uploaded files by field, and the terms of the answer."""

    fields: Mapping[str, Any]
    files: Mapping[str, FileStorage] = field(default_factory=dict)
    callback_url: str | None = None
    idempotency_key: str | None = None
    dialect: Dialect = "job"
    priority: int = NORMAL_PRIORITY
    start_by: StartBy = ANY_TIME
    # of the request as it was sent, where the fields here were made from it with what the service holds or fetched
    sent: str | None = None
    # the job it is made from, where no media say so
    source_job_id: str | None = None
    # how many jobs there must be room for, where others are to follow this one
    together: int = 1

    def body_hash(self) -> str:
        """Equal requests have equal hashes, whatever became of what they refer to."""
        terms = [self.callback_url, self.priority, self.start_by]
        return self.sent or sent_hash(self.dialect, self.fields, self.files, terms)


def sent_hash(
    route: str, fields: Mapping[str, Any], files: Mapping[str, FileStorage], terms: Sequence[Any] = ()
) -> str:
    """Of a request as it was sent, whatever the order of its fields."""
    prints = {name: intake.fingerprint(file) for name, file in files.items()}
    text = json.dumps([route, fields, prints, terms], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def replayed(services: Services, idempotency_key: str | None, body_hash: str) -> Created | None:
    """The job that this key made before. To be asked before anything is checked, fetched or re-encoded.

    What was accepted once stays accepted, though its source or receiver be gone.
    Raises ProblemError bad_request, VidgenError idempotency_mismatch.
    """
    if idempotency_key is None:
        return None
    if not IDEMPOTENCY_KEY.fullmatch(idempotency_key):
        raise ProblemError("bad_request", "Idempotency-Key: give 1 to 255 printable ASCII characters")
    before = services.jobs.replayed(idempotency_key, body_hash)
    return None if before is None else Created(before, replayed=True)


def submit(services: Services, request: Request) -> Created:
    """Check everything, store uploaded files, queue the job. Raises VidgenError; nothing is queued then.

    After any other error nobody knows, as a commit may come through though its answer does not. So the files stay:
    retention removes those that no job refers to.
    """
    body_hash = "" if request.idempotency_key is None else request.body_hash()
    before = replayed(services, request.idempotency_key, body_hash)
    if before is not None:
        return before
    if request.callback_url is not None:
        with call_outside(services):
            check_url(request.callback_url, services.settings.webhook_allow_private)
    if request.files:
        # a first check with stand-ins for the files, so that a job that can never run costs no re-encoding
        stand_ins = {name: {"upload_id": "upl_pending", **_frame(request.fields, name)} for name in request.files}
        resolved(services, parse({**request.fields, **stand_ins}))
    uploads: dict[str, Upload] = {}
    try:
        for name, file in request.files.items():
            uploads[name] = intake.take(services, file)
        created = _queue(services, request, uploads, body_hash)
    except (VidgenError, OperationalError) as error:
        if isinstance(error, VidgenError) or is_disk_full(error):
            _drop(services, uploads)
        raise
    if created.replayed:
        _drop(services, uploads)
    poke(services.settings)
    return created


def again(services: Services, job_id: str) -> Job:
    """Queue a failed or cancelled job again. Raises VidgenError not_found, job_not_retryable or queue_full."""
    job = services.jobs.retry(job_id, max_queued=services.settings.max_queued)
    poke(services.settings)
    return job


def edit(services: Services, job_id: str, change: JobChange, version: int | None) -> Job:
    """Change a queued job; its whole spec is checked as that of a new one. Raises VidgenError, and nothing changes."""
    if not change.spec:
        return services.jobs.change(job_id, priority=change.priority, start_by=change.changed_start, version=version)
    job = services.jobs.get(job_id)
    if job is None:
        raise ProblemError("not_found", f"{job_id}: no such job")
    fields = job.spec.model_dump(mode="json")
    if change.spec.keys() & LENGTHS:
        # another length is another clip: how the old one was to be cut into chunks says nothing of it
        fields = {name: value for name, value in fields.items() if name not in (*LENGTHS, "long")}
    if isinstance(job.spec, ProcessVideo):
        fields = {name: value for name, value in fields.items() if name not in SOURCE_FACTS}
    # null takes the default, also of a field that the spec's new task does not have
    changed = {name: value for name, value in {**fields, **change.spec}.items() if value is not None}
    spec, manifest = resolved(services, parse(changed))
    check_media(services, spec)
    need = admitted(services, spec, manifest)
    return services.jobs.change(
        job_id,
        edited=ResolvedSpec(spec, revision_of(manifest), need, _edited_source(services, job, spec)),
        priority=change.priority,
        start_by=change.changed_start,
        # the new spec was made from this one: an edit in between must not be undone
        version=job.version if version is None else version,
    )


def _drop(services: Services, uploads: Mapping[str, Upload]) -> None:
    for upload in uploads.values():
        services.uploads.delete(upload.id)


def _queue(services: Services, request: Request, uploads: Mapping[str, Upload], body_hash: str) -> Created:
    media = {name: {**_frame(request.fields, name), "upload_id": upload.id} for name, upload in uploads.items()}
    spec, manifest = resolved(services, parse({**request.fields, **media}))
    check_media(services, spec)
    need = admitted(services, spec, manifest)
    with observation.submitting() as traceparent:
        created = services.jobs.create(
            spec,
            model_revision=revision_of(manifest),
            callback_url=request.callback_url,
            dialect=request.dialect,
            source_job_id=request.source_job_id or source_job(services, spec),
            idempotency_key=request.idempotency_key,
            body_hash=body_hash if request.idempotency_key else None,
            max_queued=services.settings.max_queued,
            priority=request.priority,
            start_by=request.start_by,
            memory_need=need,
            traceparent=traceparent,
            together=request.together,
        )
    observation.queued(created, services.settings)
    return created


def source_job(services: Services, spec: JobSpec) -> str | None:
    """The job that made the clip or picture which the spec starts from."""
    found = [services.jobs.artifact(ref.artifact_id) for ref in media_refs(spec) if ref.artifact_id]
    return next((artifact.job_id for artifact in found if artifact is not None), None)


def _edited_source(services: Services, job: Job, spec: Spec) -> str | None:
    """A retake of the same media takes its chunks from the job it was made from, which no media name."""
    is_retake = not isinstance(spec, Unsampled) and spec.long is not None and bool(spec.long.takes)
    if is_retake and media_refs(spec) == media_refs(job.spec):
        return job.source_job_id
    return source_job(services, spec)


def parse(fields: Mapping[str, Any]) -> Spec:
    """Spec fields as a spec; a missing task follows from the media given.

    Raises ProblemError invalid_request, and invalid_spec for prompts over time of which there are none.
    """
    # a spec that was read back has both; who sends no other prompt meant to tell some
    if fields.get("segments") in ([], ()) and "prompt" not in fields:
        raise problem_of(SpecError("segments: none; give one at least, or leave it out", field="segments"))
    try:
        return JOB_SPEC.validate_python({"task": _task(fields), **fields})
    except ValidationError as error:
        raise problem_of_validation(error) from error


def resolved(services: Services, spec: Spec) -> tuple[Spec, Manifest | None]:
    """The spec with every field filled, and its model, where one is at work.

    Raises ProblemError with the field and the nearest values.
    """
    _check_networks(services, spec)
    if isinstance(spec, ProcessVideo):
        try:
            return resolve_process(spec, _source_shape(services, spec)), None
        except SpecError as error:
            raise problem_of(error) from error
    manifest = manifest_of(services, spec.model)
    try:
        if isinstance(spec, TrainLora):
            own = "" if caller().tenant == LOCAL else f"{caller().tenant}."
            taken = services.models.lora_ids
            return resolve_training(spec, manifest.rules, manifest.family, prefix=own, taken=taken), manifest
        spec = resolve(spec, manifest.rules, source_seconds=_source_seconds(services, spec))
        check_takes(spec, manifest.rules)
        return spec, manifest
    except SpecError as error:
        raise problem_of(error) from error


def _check_networks(services: Services, spec: Spec) -> None:
    """Raise ProblemError unknown_model for the first step whose network is not installed."""
    for number, step in enumerate(spec.post):
        try:
            networks_of(step, services.networks)
        except ModelError as error:
            if isinstance(step, DrawControl):
                raise problem_of(SpecError(f"post.{number}.{error.message}", field=f"post.{number}.kind")) from error
            problem = FieldError(field=f"post.{number}", message=error.message)
            raise ProblemError(error.code, f"post.{number}: {error.message}", errors=(problem,)) from error


def admitted(services: Services, spec: Spec, manifest: Manifest | None) -> dict[str, dict[str, int]]:
    """What the job takes of a worker's memory. Raises SpecError does_not_fit when no live worker has that much.

    Steps hold a frame or two, which fits any worker.
    """
    if manifest is None or isinstance(spec, Unsampled):
        return {}
    with suppress(SpecError):
        return admit(spec, manifest, services.presence.lately())
    # who has just come may have room for it: nothing is refused for what was so a second ago
    return admit(spec, manifest, [worker.capacity for worker in services.presence.alive()])


def manifest_of(services: Services, model: str) -> Manifest:
    """An installed model. Raises ProblemError unknown_model or model_unavailable."""
    try:
        return services.models.get(model)
    except VidgenError as error:
        problem = FieldError(field="model", message=error.message)
        raise ProblemError(error.code, error.message, errors=(problem,)) from error


def _source_seconds(services: Services, spec: Spec) -> float | None:
    """The length of a video-to-video job's source, where it is already here and is a clip."""
    if not isinstance(spec, VideoToVideo):
        return None
    found = find(services, spec.video)
    if found is None or not found.num_frames or not found.fps:
        return None
    return found.num_frames / found.fps


def _source_shape(services: Services, spec: ProcessVideo) -> ClipShape | None:
    """The measures of a clip that is to be processed, where it is already here and is a clip."""
    found = find(services, spec.video)
    if found is None or not (found.width and found.height and found.num_frames and found.fps):
        return None
    job = services.jobs.get(found.job_id) if isinstance(found, Artifact) else None
    alpha = job is not None and delivered_shape(job.spec).alpha
    return ClipShape(found.width, found.height, found.num_frames, rate(found.fps), alpha)


def revision_of(manifest: Manifest | None) -> str:
    """Of the model; steps are vidgen's own."""
    return __version__ if manifest is None else manifest.revision


def _task(fields: Mapping[str, Any]) -> str:
    if fields.get("image") is not None:
        return "image-to-video"
    if fields.get("direction") is not None:
        return "extend-video"
    return "video-to-video" if fields.get("video") is not None else "text-to-video"


def _frame(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    given = fields.get(name)
    return {"frame": given["frame"]} if isinstance(given, Mapping) and given.get("frame") is not None else {}

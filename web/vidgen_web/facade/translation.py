"""Verbs of this API as submissions of the native one. Decides what is taken over from a video that is varied."""

from collections.abc import Mapping
from typing import Any

from flask import request
from werkzeug.datastructures import FileStorage

from vidgen.errors import SpecError
from vidgen.jobs.views import Artifact, Job
from vidgen.spec import JobSpec, ModelRules, SamplingFields, Unsampled, nearest_frame_counts
from vidgen_models.registry import Manifest
from vidgen_web import submission
from vidgen_web.api.schemas import checked_callback
from vidgen_web.facade import measures
from vidgen_web.facade.bodies import Prompted, VideoCreate, VideoEdit, VideoExtend, VideoReference, VideoRemix
from vidgen_web.facade.image_urls import picture
from vidgen_web.facade.video import STATUSES, artifact_of
from vidgen_web.problems import FieldError, ProblemError
from vidgen_web.services import Services

# how a clip was made, as far as a new one from its pixels takes it over
TAKEN_OVER = ("model", "width", "height", "fps", "num_inference_steps", "guidance_scale", "negative_prompt")
SAME_NAMES = {
    "prompt",
    "negative_prompt",
    "seed",
    "num_inference_steps",
    "guidance_scale",
    "fps",
    "strength",
}
EXTEND = "extend-video"
Fields = dict[str, Any]


def creation(services: Services, body: VideoCreate, file: FileStorage | None) -> submission.Request:
    """A clip from words, or from words and a picture."""
    named = None if body.model == measures.CUSTOMARY_MODEL else body.model
    manifest = _manifest(services, named)
    fields = {"model": manifest.id, **_as_given(body)}
    fields["num_frames"] = measures.frames_of(body.seconds, manifest.rules, body.fps)
    fields["width"], fields["height"] = measures.sides_of(body.size, manifest.rules) or (None, None)
    reference = body.input_reference
    if reference is not None and reference.image_url is not None:
        file = picture(services, reference.image_url)
    elif reference is not None:
        fields["image"] = _held(str(reference.file_id))
    return _submission(body, fields, {} if file is None else {"image": file})


def remix(services: Services, video_id: str, body: VideoRemix) -> submission.Request:
    """A restyle of the clip with its own seed."""
    job, clip = completed(services, video_id)
    return _submission(body, {"seed": job.spec.seed, **_restyle(services, job, clip, body)})


def edit(services: Services, body: VideoEdit, file: FileStorage | None) -> submission.Request:
    """A restyle of the clip with a new seed."""
    if file is not None:
        return _submission(body, _as_given(body), {"video": file})
    return _submission(body, _restyle(services, *_source(services, body.video), body))


def extension(services: Services, body: VideoExtend, file: FileStorage | None) -> submission.Request:
    """The clip with what comes after it. A model that cannot go on from a clip makes a new one from its last frame."""
    own = _as_given(body)
    if file is not None:
        more, name = _going_on(body, _manifest(services, None).rules, {}, None)
        return _submission(body, {**own, **more}, {name: file})
    job, clip = _source(services, body.video)
    kept = _taken_over(job.spec)
    more, _ = _going_on(body, _manifest_of(services, job).rules, {"artifact_id": clip.id}, kept.get("fps"))
    return _submission(body, {**kept, **own, **more})


def _going_on(body: VideoExtend, rules: ModelRules, clip: Fields, fps: int | None) -> tuple[Fields, str]:
    """Fields of a spec that goes on from a clip, and the one that names it."""
    goes_on = EXTEND in rules.tasks
    length = {"num_frames": measures.frames_of(body.seconds, rules, fps, added=goes_on)}
    if goes_on:
        return {"task": EXTEND, **length, **({"video": clip} if clip else {})}, "video"
    return {**length, "image": {**clip, "frame": -1}}, "image"


def completed(services: Services, video_id: str) -> tuple[Job, Artifact]:
    """A video that is done, and its clip. Raises ProblemError not_found or video_not_completed."""
    job = services.jobs.get(video_id)
    if job is None:
        raise no_video(video_id)
    clip = artifact_of(job, "video")
    if clip is None:
        raise ProblemError("video_not_completed", f"{video_id} is {STATUSES[job.status]}, not completed")
    return job, clip


def no_video(video_id: str) -> ProblemError:
    return ProblemError("not_found", f"there is no video {video_id}")


def _source(services: Services, video: VideoReference | None) -> tuple[Job, Artifact]:
    if video is None:
        message = "give a file, or the id of a completed video"
        problem = FieldError(field="video", message=message)
        raise ProblemError("invalid_request", f"video: {message}", errors=(problem,))
    return completed(services, video.id)


def _submission(
    body: Prompted,
    fields: Fields,
    files: Mapping[str, FileStorage] | None = None,
) -> submission.Request:
    return submission.Request(
        fields={name: value for name, value in fields.items() if value is not None},
        files=files or {},
        callback_url=checked_callback(body.callback_url),
        idempotency_key=request.headers.get("Idempotency-Key"),
        dialect="video",
    )


def _manifest(services: Services, model: str | None) -> Manifest:
    return submission.manifest_of(services, model or SamplingFields().model)


def _manifest_of(services: Services, job: Job) -> Manifest:
    """Of the model that made the clip, or of the default one where none did."""
    return _manifest(services, None if isinstance(job.spec, Unsampled) else job.model)


def _as_given(body: Prompted) -> Fields:
    """What both APIs call by the same name, as far as it was given."""
    return body.model_dump(include=SAME_NAMES, exclude_none=True)


def _taken_over(spec: JobSpec) -> Fields:
    """A clip that was only processed was made without a model, and says nothing of how to make another."""
    return {} if isinstance(spec, Unsampled) else {name: getattr(spec, name) for name in TAKEN_OVER}


def _restyle(services: Services, job: Job, clip: Artifact, body: VideoRemix) -> Fields:
    """From the clip's own pixels, as long as the clip where the model can do that."""
    fields = {**_taken_over(job.spec), "num_frames": _same_length(services, job, clip)}
    return {**fields, **_as_given(body), "video": {"artifact_id": clip.id}}


def _same_length(services: Services, job: Job, clip: Artifact) -> int | None:
    frames = clip.num_frames or 0
    rule = _manifest_of(services, job).rules.any_frames
    return frames if nearest_frame_counts(frames, rule) == (frames,) else None


def _held(file_id: str) -> dict[str, str]:
    """A reference to what the service already holds. Raises SpecError."""
    kind = {"upl": "upload_id", "art": "artifact_id"}.get(file_id[:3])
    if kind is None:
        raise SpecError(
            f"input_reference.file_id={file_id[:80]}: give the id of an upload or an artifact",
            field="input_reference.file_id",
            code="media_not_found",
        )
    return {kind: file_id}

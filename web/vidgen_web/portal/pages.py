"""The portal's pages: the one where clips are made, and one for each job."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request

from vidgen.jobs.views import Artifact, Job, Page
from vidgen.spec import JobStatus, nearest_frame_counts
from vidgen_models.registry import Manifest
from vidgen_web.access import needs
from vidgen_web.answers import model_answer
from vidgen_web.forecast import forecast
from vidgen_web.portal import drafts, words
from vidgen_web.portal.drafts import Draft
from vidgen_web.problems import ProblemError
from vidgen_web.services import Services, services
from vidgen_web.submission import parse, resolved

blueprint = Blueprint("portal", __name__)

GALLERY_PAGE = 12
QUEUE_SHOWN = 50
ENDED_SHOWN = 4
WORDS_SHOWN = 60
LONGER_SECONDS = (5, 10, 20, 30, 60)
EXAMPLES = (
    "a rocket rising on a black background",
    "a cat moves to the right on a yellow background",
    "an octopus spinning on a blue background",
    "a red apple getting bigger on a white background",
)


@blueprint.get("/")
@needs("jobs:read")
def home() -> str:
    """Composer, viewer, queue and gallery.

    Query: `job` to look at; `reuse` (a job's settings), or `mode`, `source`, `frame` and `prompt` to start from.
    """
    found = services()
    return render_home(found, _draft(found), request.args)


@blueprint.get("/jobs/<job_id>")
@needs("jobs:read")
def job_page(job_id: str) -> str:
    """One job: its clip or how far it is, and every setting."""
    job = services().jobs.get(job_id)
    if job is None:
        raise ProblemError("not_found", f"there is no job {job_id}")
    return render_template("job.html", job=job, active=not job.status.is_terminal, **job_parts(job))


def render_home(found: Services, draft: Draft, query: Mapping[str, str]) -> str:
    """The main page with this draft in the composer."""
    manifests = found.models.manifests
    manifest = manifests[draft.model]
    gallery = found.jobs.list(limit=GALLERY_PAGE, cursor=query.get("cursor"), status=JobStatus.SUCCEEDED)
    queue = _queue(found.jobs.list(limit=QUEUE_SHOWN, status=JobStatus.QUEUED), found)
    selected = found.jobs.get(query["job"]) if query.get("job") else None
    if selected is None and "job" not in query and gallery.items:
        selected = gallery.items[0]
    return render_template(
        "home.html",
        draft=draft,
        manifests=manifests,
        manifest=manifest,
        lengths=_lengths(manifest, draft["num_frames"]),
        forecast=_first_forecast(found, draft, manifest),
        examples=EXAMPLES,
        queue=queue,
        ended=_ended(found),
        gallery=gallery,
        posters={job.id: artifact_of(job, "poster") for job in gallery.items},
        clips={job.id: artifact_of(job, "video") for job in gallery.items},
        selected=selected,
        last_event_id=found.jobs.last_event_id(),
        words=_word_lists(manifest),
        words_shown=WORDS_SHOWN,
        **job_parts(selected),
    )


def job_parts(job: Job | None) -> dict[str, Any]:
    """What templates need of the job in the viewer."""
    if job is None:
        return {"video": None, "poster": None, "receipt": None, "facts": []}
    return {
        "video": artifact_of(job, "video"),
        "poster": artifact_of(job, "poster"),
        "receipt": artifact_of(job, "receipt"),
        "facts": _facts(job),
    }


def artifact_of(job: Job, kind: str) -> Artifact | None:
    return next((artifact for artifact in job.artifacts if artifact.kind == kind), None)


def default_draft(found: Services, model_id: str | None = None) -> Draft:
    """A blank draft of the named model, or of the first one."""
    manifests = found.models.manifests
    return drafts.blank(manifests.get(model_id or "") or next(iter(manifests.values())))


def _draft(found: Services) -> Draft:
    reused = found.jobs.get(request.args["reuse"]) if request.args.get("reuse") else None
    draft = default_draft(found, reused.model if reused else request.args.get("model"))
    if reused is not None and reused.model == draft.model:
        draft = drafts.from_job(found, draft, reused)
    return drafts.from_query(found, draft, request.args)


def _queue(queued: Page[Job], found: Services) -> list[Job]:
    running = found.jobs.list(limit=QUEUE_SHOWN, status=JobStatus.RUNNING).items
    waiting = sorted(queued.items, key=lambda job: (job.queue_position or 0, job.created_at))
    return [*reversed(running), *waiting]


def _ended(found: Services) -> list[Job]:
    """The latest jobs that came to nothing, newest first."""
    jobs = [
        job
        for status in (JobStatus.FAILED, JobStatus.CANCELLED)
        for job in found.jobs.list(limit=ENDED_SHOWN, status=status).items
    ]
    return sorted(jobs, key=lambda job: job.finished_at or job.created_at, reverse=True)[:ENDED_SHOWN]


def _word_lists(manifest: Manifest) -> dict[str, tuple[str, ...]]:
    vocabulary = model_answer(manifest).vocabulary
    return {kind: known for kind, known in vocabulary.items() if isinstance(known, tuple)}


def _lengths(manifest: Manifest, chosen: str) -> list[tuple[int, str]]:
    """Every length of one window, some longer ones, and the one that is chosen."""
    frames, fps = manifest.rules.frames, manifest.rules.fps
    counts = set(range(frames.min, frames.max + 1, frames.step))
    longer = manifest.rules.any_frames
    counts |= {nearest_frame_counts(seconds * fps, longer)[-1] for seconds in LONGER_SECONDS}
    if chosen.isdecimal() and nearest_frame_counts(int(chosen), longer) == (int(chosen),):
        counts.add(int(chosen))
    return [(count, words.clip_length(count, fps)) for count in sorted(counts)]


def _first_forecast(found: Services, draft: Draft, manifest: Manifest) -> str:
    values = {name: draft[name] for name in ("num_frames", "num_inference_steps", "width", "height")}
    try:
        spec, _ = resolved(found, parse({"model": manifest.id, **values}))
    except ProblemError:
        return ""
    expected = forecast(found, spec, manifest)
    return words.about(expected.seconds) + (f", after {expected.jobs_ahead} in line" if expected.jobs_ahead else "")


def _facts(job: Job) -> list[tuple[str, str]]:
    spec = job.spec
    strength = getattr(spec, "strength", None)
    media = getattr(spec, "image", None) or getattr(spec, "video", None)
    took = (job.finished_at - job.started_at).total_seconds() if job.finished_at and job.started_at else None
    facts = [
        ("Made from", words.TASKS[job.task].lower() + (f" {media.key}" if media else "")),
        ("Negative prompt", spec.negative_prompt),
        ("Model", f"{job.model}, revision {job.model_revision}"),
        ("Length", words.clip_length(spec.num_frames or 0, spec.fps or 1)),
        ("Size", f"{spec.width} × {spec.height} px"),
        ("Steps", str(spec.num_inference_steps)),
        ("Guidance", f"{spec.guidance_scale:g}" if spec.guidance_scale is not None else ""),
        ("Strength", f"{strength:g}" if strength is not None else ""),
        ("Seed", str(spec.seed)),
        ("Took", words.duration(took)),
        ("Attempts", str(job.attempts) if job.attempts > 1 else ""),
        ("Created", words.moment(job.created_at)),
        ("Job", job.id),
    ]
    return [(name, value) for name, value in facts if value]

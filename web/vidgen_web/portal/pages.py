"""The portal's pages: the one where clips are made, and one for each job."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, render_template, request

from vidgen.jobs.views import Job
from vidgen.spec import JobStatus, Unsampled, nearest_frame_counts
from vidgen.spec.conditioning.control import UNDRAWN
from vidgen_models.registry import Manifest
from vidgen_web.access import needs
from vidgen_web.answers import model_answer
from vidgen_web.caller import caller
from vidgen_web.portal import words
from vidgen_web.portal.artifacts import artifact_of
from vidgen_web.portal.composer import advanced, another_model, conditioning, drafts, drawn, filled, finishing
from vidgen_web.portal.composer.complaints import Complaints
from vidgen_web.portal.composer.drafts import Draft
from vidgen_web.portal.composer.outlook import outlook
from vidgen_web.portal.composer.slots import EMPTY
from vidgen_web.portal.facts import facts_of
from vidgen_web.portal.finishes import finishes
from vidgen_web.portal.gallery import gallery_parts, marks_of
from vidgen_web.portal.languages import mark
from vidgen_web.portal.measured import measured
from vidgen_web.portal.queue_panel import queue_panel
from vidgen_web.portal.remarks import sentences
from vidgen_web.portal.settings.model import chosen_model
from vidgen_web.portal.timeline import timeline
from vidgen_web.problems import ProblemError
from vidgen_web.remarks import remarks_on
from vidgen_web.services import Services, services

blueprint = Blueprint("portal", __name__)

WORDS_SHOWN = 45
LONGER_SECONDS = (5, 10, 20, 30, 60)
WORD_KINDS = {
    "subjects": mark("Subjects"),
    "motions": mark("Motions"),
    "backgrounds": mark("Backgrounds"),
    "cameras": mark("Cameras"),
}
EXAMPLES = (
    "a rocket moves right on a blue background",
    "a cat moves left on a yellow background",
    "an octopus spins on a pink background",
    "a red apple grows on a white background",
)


@blueprint.get("/")
@needs("jobs:read")
def home() -> str:
    """Composer, viewer, queue and gallery.

    Query: `job` to look at, `compare` (another beside it); `reuse` (a job's settings, or `only` some of them) or `edit`
    (a queued job), or `mode`, `source`, `frame`, `slot` and `prompt` to start from.
    What the gallery shows: see gallery_parts.
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
    found = services()
    marked = {"mark": found.gallery.mark(job_id), "projects": found.gallery.projects()}
    return render_template("job.html", job=job, active=not job.status.is_terminal, **job_parts(found, job), **marked)


def render_home(found: Services, draft: Draft, query: Mapping[str, str]) -> str:
    """The main page with this draft in the composer."""
    shown = gallery_parts(found, query)
    gallery = shown["gallery"]
    selected = found.jobs.get(query["job"]) if query.get("job") else None
    if selected is None and "job" not in query and gallery.items:
        selected = gallery.items[0]
    return render_template(
        "home.html",
        examples=EXAMPLES,
        panel=queue_panel(found, caller()),
        selected=selected,
        last_event_id=found.jobs.last_event_id(),
        **shown,
        **marks_of(found, selected.id if selected else None, gallery),
        **composer_parts(found, draft),
        **job_parts(found, selected),
        **comparison(found, selected, gallery.items, query.get("compare", "")),
    )


def composer_parts(found: Services, draft: Draft) -> dict[str, Any]:
    """What templates need of the composer."""
    manifests = found.models.manifests
    manifest = manifests[draft.model]
    return {
        "draft": draft,
        "offered_tabs": another_model.tabs(manifest.rules),
        "wrongs": Complaints(draft.errors),
        "manifests": manifests,
        "manifest": manifest,
        "lengths": _lengths(manifest, draft["num_frames"]),
        "outlook": outlook(found, draft),
        "steps": finishing.rows(draft.values, found.networks) if "finish" in draft.sections else [],
        "file": finishing.output_controls(),
        "motion": conditioning.offer(manifest.rules),
        "rows_of": lambda head, least=1: conditioning.rows(draft.values, draft.slots, head, least),
        "row_controls": conditioning.row_controls,
        "key_controls": conditioning.key_controls,
        "most_rows": conditioning.row_limit,
        "drawable": drawn.can_be_drawn,
        "undrawn": sorted(UNDRAWN),
        "no_slot": EMPTY,
        "presets": found.presets.list() if "presets" in draft.sections else [],
        "varied": advanced.varied(manifest.rules) if "grid" in draft.sections else {},
        "sampling": advanced.sampling_controls(manifest.rules),
        "carrying": advanced.long_controls(manifest.rules),
        "words": _word_lists(manifest),
        "words_shown": WORDS_SHOWN,
    }


def job_parts(found: Services, job: Job | None) -> dict[str, Any]:
    """What templates need of the job in the viewer."""
    if job is None:
        return {
            "video": None,
            "poster": None,
            "receipt": None,
            "facts": [],
            "pieces": [],
            "measured": [],
            "finishes": [],
            "told": (),
        }
    manifest = found.models.manifests.get(job.model)
    return {
        "pieces": timeline(found, job),
        "measured": measured(found, job),
        "finishes": finishes(found),
        "seam_plot": artifact_of(job, "seam_plot"),
        "told": sentences(remarks_on(job.spec, manifest)) if manifest and not isinstance(job.spec, Unsampled) else (),
        "can_lead": manifest is not None and manifest.rules.keyframes and "text-to-video" in manifest.rules.tasks,
        "can_refer": manifest is not None and manifest.rules.conditioning.references > 0,
        "can_extend": manifest is not None and "extend-video" in manifest.rules.tasks,
        "video": artifact_of(job, "video"),
        "poster": artifact_of(job, "poster"),
        "receipt": artifact_of(job, "receipt"),
        "facts": facts_of(job),
    }


def comparison(found: Services, job: Job | None, recent: Sequence[Job], other_id: str) -> dict[str, Any]:
    """What may stand beside the job in the viewer, its source first, and what does."""
    if job is None or artifact_of(job, "video") is None:
        return {"candidates": [], "other": None}
    source = found.jobs.get(job.source_job_id) if job.source_job_id else None
    other = found.jobs.get(other_id) if other_id else None
    named = {it.id: it for it in (source, other, *recent) if it and it.id != job.id and artifact_of(it, "video")}
    shown = named.get(other_id)
    return {
        "candidates": list(named.values()),
        "other": {"job": shown, "video": artifact_of(shown, "video")} if shown else None,
    }


def default_draft(found: Services, model_id: str | None = None) -> Draft:
    """A blank draft of the named model, or of the one chosen in the settings, or of the first one."""
    manifests = found.models.manifests
    named = manifests.get(model_id or "") or manifests.get(chosen_model())
    return drafts.blank(named or next(iter(manifests.values())))


def _draft(found: Services) -> Draft:
    editing = found.jobs.get(request.args["edit"]) if request.args.get("edit") else None
    if editing is not None and editing.status is not JobStatus.QUEUED:
        editing = None
    reused = editing or (found.jobs.get(request.args["reuse"]) if request.args.get("reuse") else None)
    draft = default_draft(found, reused.model if reused else request.args.get("model"))
    if reused is not None and (reused.model == draft.model or isinstance(reused.spec, Unsampled)):
        draft = drafts.recalled(draft, filled.from_job(found, draft, reused), request.args.get("only", ""))
    return filled.from_query(found, drafts.editing(draft, editing), request.args)


def _word_lists(manifest: Manifest) -> dict[str, tuple[str, ...]]:
    """Words that the model was taught, by the name of their kind."""
    vocabulary = model_answer(manifest).vocabulary
    return {WORD_KINDS.get(kind, kind): known for kind, known in vocabulary.items() if isinstance(known, tuple)}


def _lengths(manifest: Manifest, chosen: str) -> list[tuple[int, str, str]]:
    """Every length of one window, some longer ones, and the one that is chosen: frames, seconds, both in words."""
    frames, fps = manifest.rules.frames, manifest.rules.fps
    longer = manifest.rules.any_frames
    told = {count: words.decimal(count / fps) for count in range(frames.min, frames.max + 1, frames.step)}
    # a refused form is shown again, whatever was typed
    if chosen.isdecimal() and len(chosen) < 10 and nearest_frame_counts(int(chosen), longer) == (int(chosen),):
        told.setdefault(int(chosen), words.decimal(int(chosen) / fps))
    # round numbers of seconds are called so; what they snap to stands below the choice
    told |= {nearest_frame_counts(seconds * fps, longer)[-1]: str(seconds) for seconds in LONGER_SECONDS}
    return [(count, seconds, words.clip_length(count, fps)) for count, seconds in sorted(told.items())]

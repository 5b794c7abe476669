"""The portal's buttons as form posts, each answered with a redirect to a page that shows what became of it."""

from collections.abc import Mapping
from dataclasses import replace

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from vidgen.errors import VidgenError
from vidgen.jobs.views import Job
from vidgen.spec import Unsampled
from vidgen_web import intake, removal, submission
from vidgen_web.access import needs
from vidgen_web.calls_outside import enhanced
from vidgen_web.portal import csrf
from vidgen_web.portal.composer import another_model, complaints, conditioning, drafts, filled, keyframes
from vidgen_web.portal.composer.drafts import Draft
from vidgen_web.portal.composer.keyframes import Key
from vidgen_web.portal.composer.outlook import outlook, wanted_fields
from vidgen_web.portal.composer.slots import Slot
from vidgen_web.portal.composer.story import Part
from vidgen_web.portal.languages import gettext as _
from vidgen_web.portal.pages import default_draft, render_home
from vidgen_web.problems import STATUS_BY_CODE, FieldError, ProblemError, problem_of
from vidgen_web.requests import checked, form_number, plain_form
from vidgen_web.services import services
from vidgen_web.terms import JobChange

blueprint = Blueprint("actions", __name__)

MOST_AT_ONCE = 8
SEEDS = 2**63


@blueprint.before_request
def check_form() -> None:
    csrf.check()


@blueprint.post("/jobs")
@needs("jobs:write")
def create() -> AnyResponse:
    """Queue what the composer holds; when it is refused, the same page with what is wrong beside each field."""
    draft, brought = sent(), list[str]()
    try:
        draft = with_uploads(draft, brought, rows_alone=True)
        jobs = _queue(draft)
    except VidgenError as error:
        for upload_id in brought:
            services().uploads.delete(upload_id)
        return refused(sent(), error)
    if "front" in request.form:
        for job in reversed(jobs):
            services().jobs.move(job.id)
    return _back(jobs[0].id)


@blueprint.post("/composer")
@needs("jobs:write")
def recompose() -> AnyResponse:
    """The composer with what it held: one more part or picture, a section that was closed, another model."""
    form, draft = request.form, sent()
    draft = drafts.editing(draft, services().jobs.get(form["editing"]) if form.get("editing") else None)
    try:
        draft = with_uploads(draft, [])
    except VidgenError as error:
        return refused(draft, error)
    if "enrich" in form and draft["prompt"].strip():
        found = services()
        try:
            better = enhanced(found, draft["prompt"], found.models.manifests[draft.model])
        except VidgenError as error:
            return refused(draft, error)
        changes = (*better.changes, *([better.warning] if better.warning else []))
        draft = replace(draft, values={**draft.values, "prompt": better.prompt}, changes=changes)
    if (before := services().models.manifests.get(form.get("made_for", ""))) is not None and before.id != draft.model:
        draft = another_model.for_model(draft, before, services().models.manifests[draft.model])
    if "add_part" in form:
        draft = replace(draft, parts=(*draft.rows, Part()))
    if "add_key" in form:
        draft = replace(draft, keys=(*draft.key_rows, Key()))
    if "add_row" in form:
        values = conditioning.with_row(draft.values, draft.slots, form["add_row"])
        draft = replace(draft, values=values)
    opened = draft.opened | ({form["open"]} & {*drafts.SECTIONS} if "open" in form else set())
    return Response(render_home(services(), replace(draft, opened=opened), {}))


@blueprint.post("/forecast")
@needs("jobs:read")
def foretell() -> str:
    """What the composer holds, foretold: the parts of the composer that say so."""
    return render_template("portal/outlook.html", outlook=outlook(services(), sent()), fragment=True)


@blueprint.post("/recall")
@needs("uploads")
def recall() -> AnyResponse:
    """The composer with the settings that a file carries; nothing of the file is kept."""
    found, file = services(), request.files.get("recipe")
    draft = default_draft(found)
    try:
        if file is None or not file.filename:
            told = FieldError(field="recipe", message=_("choose a file first"))
            raise ProblemError("invalid_request", told.message, errors=(told,))
        spec = intake.recipe_of(found, file).whole()
        known = default_draft(found, spec.model)
        if known.model != spec.model and not isinstance(spec, Unsampled):
            raise ProblemError(
                "unknown_model", _("This clip is of the model %(name)s, which is not here.", name=spec.model)
            )
        draft = filled.from_spec(found, known, spec)
    except VidgenError as error:
        problem = problem_of(error)
        errors = problem.errors or (FieldError(field="recipe", message=problem.message),)
        return refused(draft, ProblemError(problem.code, problem.message, errors=errors))
    return Response(render_home(found, draft, {}))


@blueprint.post("/jobs/<job_id>/edit")
@needs("jobs:write")
def edit(job_id: str) -> AnyResponse:
    """Change a queued job to what the composer holds."""
    job, draft = _existing(job_id), sent()
    try:
        draft = with_uploads(draft, [], rows_alone=True)
        fields = wanted_fields(draft)
        left_out = {name: None for name in job.spec.model_dump() if name not in fields}
        change = checked(JobChange, {"spec": {**left_out, **fields, **_uploaded(draft)}})
        submission.edit(services(), job_id, change, form_number("version"))
    except VidgenError as error:
        return refused(drafts.editing(draft, job), error)
    return _back(job_id)


@blueprint.post("/jobs/<job_id>/cancel")
@needs("jobs:write")
def cancel(job_id: str) -> AnyResponse:
    services().jobs.cancel(job_id)
    return _back(job_id)


@blueprint.post("/jobs/<job_id>/stop")
@needs("jobs:write")
def stop(job_id: str) -> AnyResponse:
    """End after the chunk in hand and keep what there is."""
    services().jobs.stop(job_id)
    return _back(job_id)


@blueprint.post("/jobs/<job_id>/move")
@needs("jobs:write")
def move(job_id: str) -> AnyResponse:
    """To the front of the caller's line, or before the job that the form names."""
    services().jobs.move(job_id, before=request.form.get("before") or None)
    return _back(job_id)


@blueprint.post("/jobs/<job_id>/priority")
@needs("jobs:write")
def prioritise(job_id: str) -> AnyResponse:
    change = checked(JobChange, {"priority": request.form.get("priority")})
    services().jobs.change(job_id, priority=change.priority)
    return redirect(url_for("portal.home", _anchor="queue"), 303)


@blueprint.post("/jobs/<job_id>/retry")
@needs("jobs:write")
def retry(job_id: str) -> AnyResponse:
    submission.again(services(), job_id)
    return _back(job_id)


@blueprint.post("/jobs/<job_id>/delete")
@needs("jobs:write")
def delete(job_id: str) -> AnyResponse:
    services().jobs.delete(job_id)
    return redirect(url_for("portal.home"), 303)


def sent() -> Draft:
    """The composer's form as it was sent."""
    form = plain_form()
    return filled.from_form(services(), default_draft(services(), form.get("model")), form, {*request.files})


def _queue(draft: Draft) -> list[Job]:
    """One job, or several that differ in their seed alone. Raises VidgenError; nothing is queued then."""
    fields, files = wanted_fields(draft), _files(draft)
    if "model" in fields:
        fields["model"] = request.form.get("model") or draft.model
    for name in files:  # a new file replaces what lay in the slot
        fields.pop(name, None)
    count = 1 if draft.tab == drafts.PROCESS else _how_many()
    seeds = _seeds(draft["seed"] if draft.tab != drafts.PROCESS else "", count)
    # the first one is queued only where there is room for all
    asked = submission.Request(fields={**fields, **seeds[0]}, files=files, together=count)
    jobs = [submission.submit(services(), asked).job]
    try:
        media = {n: ref.model_dump(exclude_none=True) for n in drafts.SLOTS if (ref := getattr(jobs[0].spec, n, None))}
        for seed in seeds[1:]:
            again = submission.Request(fields={**fields, **media, **seed})
            jobs.append(submission.submit(services(), again).job)
        if project := request.form.get("project", "").strip():
            for job in jobs:
                services().gallery.file(job.id, project)
    except VidgenError:
        _take_back(jobs, files)
        raise
    return jobs


def _take_back(jobs: list[Job], files: Mapping[str, FileStorage]) -> None:
    """Remove what was queued before somebody else took the room that was left, and the files it brought."""
    for job in jobs:
        removal.remove(services(), job.id, 0)
    for name in files:
        services().uploads.delete(getattr(jobs[0].spec, name).upload_id)


def with_uploads(draft: Draft, brought: list[str], *, rows_alone: bool = False) -> Draft:
    """The draft with the form's files in its slots; their ids are added to `brought`. Raises VidgenError."""
    taken: dict[str, Slot] = {}
    names = {keyframes.slot_name(n) for n in range(len(draft.keys))} | ({*draft.slots} - {*drafts.SLOTS})
    if not rows_alone:
        names |= {*drafts.SLOTS_BY_TAB.get(draft.tab, ())}
    for name, file in request.files.items():
        if file.filename and name in names:
            upload = intake.take(services(), file)
            brought.append(upload.id)
            taken[name] = Slot(upload_id=upload.id, label=upload.filename)
    keys = tuple(replace(key, slot=taken.get(keyframes.slot_name(n), key.slot)) for n, key in enumerate(draft.keys))
    return replace(draft, slots={name: taken.get(name, slot) for name, slot in draft.slots.items()}, keys=keys)


def _files(draft: Draft) -> dict[str, FileStorage]:
    wanted = drafts.SLOTS_BY_TAB.get(draft.tab, ())
    return {name: file for name, file in request.files.items() if file.filename and name in wanted}


def _uploaded(draft: Draft) -> dict[str, dict[str, str]]:
    """The form's files as references."""
    return {name: {"upload_id": intake.take(services(), file).id} for name, file in _files(draft).items()}


def _how_many() -> int:
    """How many clips the form asks for. Raises ProblemError invalid_request outside of 1 to MOST_AT_ONCE."""
    number = form_number("count")
    if number is None or 1 <= number <= MOST_AT_ONCE:
        return number or 1
    if number:
        message = _("%(n)s is too many: 1 to %(most)s at once; the nearest is %(most)s", n=number, most=MOST_AT_ONCE)
    else:
        message = _("%(n)s is too few: 1 to %(most)s at once; the nearest is 1", n=number, most=MOST_AT_ONCE)
    raise ProblemError("invalid_request", message, errors=(FieldError(field="count", message=message),))


def _seeds(seed: str, count: int) -> list[dict[str, int]]:
    """The field of each clip: one after the other from the seed given. Raises ProblemError before one is too large."""
    if not seed.isdecimal() or len(seed) > len(str(SEEDS)):
        return [{}] * count
    first, last = int(seed), SEEDS - count
    if first > last:
        message = f"seed={seed}: {count} clips take one seed each from it on; nearest is {last}"
        raise ProblemError("invalid_request", message, errors=(FieldError(field="seed", message=message),))
    return [{"seed": first + nth} for nth in range(count)]


def _existing(job_id: str) -> Job:
    job = services().jobs.get(job_id)
    if job is None:
        raise ProblemError("not_found", f"there is no job {job_id}")
    return job


def refused(draft: Draft, error: VidgenError) -> Response:
    """The studio with this draft in the composer, and what is wrong beside each field."""
    problem = problem_of(error)
    return Response(render_home(services(), complaints.refused(draft, problem), {}), STATUS_BY_CODE[problem.code])


def _back(job_id: str) -> AnyResponse:
    # a form names where it stands with a word of ours, never with an address
    if request.form.get("from") == "studio":
        return redirect(url_for("portal.home", job=job_id), 303)
    if request.form.get("from") == "home":
        return redirect(url_for("portal.home"), 303)
    return redirect(url_for("portal.job_page", job_id=job_id), 303)

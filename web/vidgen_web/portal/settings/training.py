"""/settings/training: a LoRA learned from clips of one's own, as a job; how long it takes is told before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from vidgen.errors import VidgenError
from vidgen.jobs.gallery import Wanted
from vidgen.spec import TrainLora
from vidgen.spec.resolve_training import TRAINED_FAMILY
from vidgen.spec.train_lora import CLIP_LIMIT
from vidgen_models.registry import Manifest
from vidgen_web import intake, submission
from vidgen_web.access import needs
from vidgen_web.answers import artifact_url
from vidgen_web.caller import caller
from vidgen_web.forecast import forecast
from vidgen_web.media_check import check_media
from vidgen_web.portal import words
from vidgen_web.portal.artifacts import artifact_of
from vidgen_web.portal.composer.controls import Control, controls_of, fields_of
from vidgen_web.portal.languages import gettext as _
from vidgen_web.portal.messages import said
from vidgen_web.problems import STATUS_BY_CODE, FieldError, ProblemError, problem_of
from vidgen_web.requests import plain_form
from vidgen_web.services import services

OFFERED = 24
HEAD = "training"
NUMBERS = ("steps", "rank", "rate", "batch", "num_frames", "seed")


@dataclass(frozen=True, slots=True)
class Material:
    """A clip that may be learned from. `key` is what forms call it."""

    key: str
    label: str
    url: str
    reference: Mapping[str, str]


def register(blueprint: Blueprint) -> None:
    blueprint.get("/training", endpoint="training")(show)
    blueprint.post("/training", endpoint="train")(train)


@needs("jobs:write")
def show() -> str:
    return _page()


@needs("jobs:write")
def train() -> AnyResponse:
    """Queue the training, or tell how long it would take."""
    found, form = services(), plain_form()
    brought: list[Material] = []
    try:
        brought = _brought()
        ticked = [it for it in [*_materials(), *brought] if it in brought or form.get(f"clip.{it.key}")]
        fields = _fields(form, ticked)
        if "forecast" in form:
            spec, model = submission.resolved(found, submission.parse(fields))
            check_media(found, spec)
            return Response(_page(form=form, brought=brought, time=words.about(forecast(found, spec, model).seconds)))
        job = submission.submit(found, submission.Request(fields=fields)).job
    except VidgenError as error:
        problem = problem_of(error)
        errors = {_place(e): said(words.PREFIX.sub("", e.message)) for e in problem.errors}
        told = errors or {"": said(problem.message)}
        return Response(_page(form=form, brought=brought, errors=told), STATUS_BY_CODE[problem.code])
    return redirect(url_for("portal.home", job=job.id), 303)


def _fields(form: Mapping[str, str], ticked: list[Material]) -> dict[str, Any]:
    """The form as a spec's fields. Raises ProblemError where no clip was chosen."""
    if not ticked:
        told = FieldError(field="clips", message=_("choose at least one clip, or upload one"))
        raise ProblemError("invalid_request", told.message, errors=(told,))
    clips = [{"video": dict(it.reference), "prompt": form.get(f"caption.{it.key}", "").strip()} for it in ticked]
    texts = {name: form[name].strip() for name in ("name", "prompt", "model") if form.get(name, "").strip()}
    return {"task": "train-lora", "clips": clips, **texts, **fields_of(_numbers(), form)}


def _place(error: FieldError) -> str:
    """Where the page tells it: clips are told of together."""
    head = error.field.partition(".")[0]
    return f"{HEAD}.{head}" if head in NUMBERS else head


def _brought() -> list[Material]:
    """The form's files, as uploads. Raises VidgenError."""
    files = [file for file in request.files.getlist("files") if file.filename][:CLIP_LIMIT]
    if files and not caller().may("uploads"):
        raise ProblemError("missing_scope", "this API key lacks the scope uploads")
    return [_of_upload(intake.take(services(), file)) for file in files]


def _materials() -> list[Material]:
    """The newest clips that were brought or made here."""
    found = services()
    uploads = found.uploads.list(OFFERED).items if caller().may("uploads") else ()
    made = [(job, artifact_of(job, "video")) for job in found.gallery.page(Wanted(), OFFERED, None).items]
    clips = [
        Material(clip.id, words.title(job), artifact_url(clip.id), {"artifact_id": clip.id})
        for job, clip in made
        if clip is not None
    ]
    return [*(_of_upload(it) for it in uploads if it.kind == "video"), *clips]


def _of_upload(upload: Any) -> Material:
    url = f"{caller().api}/uploads/{upload.id}/content"
    return Material(upload.id, upload.filename, url, {"upload_id": upload.id})


def _learners() -> dict[str, Manifest]:
    """The models that LoRAs are trained on."""
    known = services().models.manifests
    return {name: it for name, it in known.items() if it.family == TRAINED_FAMILY and "loras" in it.rules.options}


def _numbers() -> tuple[Control, ...]:
    return controls_of(TrainLora, NUMBERS, HEAD)


def _page(brought: list[Material] | None = None, **more: Any) -> str:
    materials = {it.key: it for it in [*(brought or ()), *_materials()]}
    told = {"errors": {}, "form": {}, "time": "", **more}
    new = {it.key for it in brought or ()}
    learners = _learners()
    loras = {it.name: it.rules.loras for it in learners.values() if it.rules.loras}
    return render_template(
        "settings/training.html",
        materials=list(materials.values()),
        new=new,
        learners=learners,
        loras=loras,
        numbers=_numbers(),
        **told,
    )

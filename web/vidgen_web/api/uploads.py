"""/uploads: pictures and clips from outside."""

from flask import Blueprint, Response, jsonify, request, url_for
from pydantic import Field
from werkzeug.datastructures import FileStorage

from vidgen.jobs.views import Upload
from vidgen.spec.base import SpecModel
from vidgen_web import intake
from vidgen_web.answers import UploadList
from vidgen_web.api import schemas
from vidgen_web.api.artifacts import media_answer
from vidgen_web.operations import Media, Parameter, operation
from vidgen_web.problems import FieldError, ProblemError
from vidgen_web.requests import form_files, query_model, unsupported
from vidgen_web.services import services

blueprint = Blueprint("uploads", __name__, url_prefix="/uploads")

MULTIPART = "multipart/form-data"
FILE_FIELD = "file"


class ListQuery(SpecModel):
    """The query of GET /uploads."""

    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = None


@blueprint.post("")
@operation(
    "Uploads",
    "Upload a picture or a clip",
    description="The file is probed and re-encoded by a child program with limits; only the result is kept.",
    form=schemas.UPLOAD_FORM,
    scope="uploads",
    answers={201: Upload},
    problems=(
        "unsupported_content_type",
        "body_too_large",
        "invalid_request",
        "invalid_media",
        "storage_full",
        "too_many_uploads",
        "storage_quota",
    ),
)
def create() -> Response:
    upload = intake.take(services(), only_file())
    response = jsonify(upload.model_dump(mode="json"))
    response.status_code = 201
    response.headers["Location"] = url_for(".show", upload_id=upload.id)
    return response


def only_file() -> FileStorage:
    """The one file of a form with nothing else in it. Raises ProblemError."""
    if request.mimetype != MULTIPART:
        raise unsupported(MULTIPART)
    files = form_files()
    file = files.get(FILE_FIELD)
    if file is None or len(files) > 1 or request.form:
        message = "send exactly one file in the field named file"
        raise ProblemError("invalid_request", message, errors=(FieldError(field=FILE_FIELD, message=message),))
    return file


@blueprint.get("")
@operation(
    "Uploads",
    "List uploads, newest first",
    scope="uploads",
    answers={200: UploadList},
    parameters=(
        Parameter("limit", "1 to 200, 50 when left out.", schema={"type": "integer", "minimum": 1, "maximum": 200}),
        Parameter("cursor", "`next_cursor` of the page before."),
    ),
    problems=("invalid_request", "invalid_cursor"),
)
def index() -> Response:
    query = query_model(ListQuery)
    return jsonify(services().uploads.list(query.limit, query.cursor).model_dump(mode="json"))


@blueprint.get("/<upload_id>")
@operation("Uploads", "Read an upload's facts", scope="uploads", answers={200: Upload}, problems=("not_found",))
def show(upload_id: str) -> Response:
    upload = services().uploads.get(upload_id)
    if upload is None:
        raise _no_upload(upload_id)
    return jsonify(upload.model_dump(mode="json"))


@blueprint.delete("/<upload_id>")
@operation(
    "Uploads",
    "Delete an upload and its file",
    description="Refused while a job that has not ended is made from it.",
    scope="uploads",
    answers={204: None},
    problems=("not_found", "upload_awaited"),
)
def delete(upload_id: str) -> Response:
    uploads = services().uploads
    if uploads.delete_unawaited(upload_id):
        return Response(status=204)
    if uploads.get(upload_id) is None:
        raise _no_upload(upload_id)
    message = f"{upload_id}: a job that has not ended is made from it; cancel the job, or wait for its end"
    raise ProblemError("upload_awaited", message)


@blueprint.get("/<upload_id>/content")
@operation(
    "Uploads",
    "Fetch an upload as it was kept",
    scope="uploads",
    answers={
        200: Media("*/*", "The file, in its own content type."),
        206: Media("*/*", "The part of the file that Range named."),
    },
    problems=("not_found", "range_not_satisfiable"),
)
def content(upload_id: str) -> Response:
    upload, file = services().uploads.get(upload_id), services().uploads.path(upload_id)
    if upload is None or file is None or not file.is_file():
        raise _no_upload(upload_id)
    return media_answer(file, upload)


def _no_upload(upload_id: str) -> ProblemError:
    return ProblemError("not_found", f"there is no upload {upload_id}")

"""What clients of this API send: JSON objects, or forms whose nested fields are written `video[id]`."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from flask import request
from pydantic import Field, model_validator
from werkzeug.datastructures import FileStorage

from vidgen.spec.base import SpecModel
from vidgen_web.facade.image_urls import URL_LIMIT
from vidgen_web.problems import FieldError, ProblemError
from vidgen_web.requests import (
    FORM_TYPES,
    JSON_LIMIT,
    JSON_TYPE,
    checked,
    form_files,
    json_object,
    plain_form,
    unsupported,
)

NESTED = re.compile(r"(\w+)\[(\w+)\]")
BODY_LIMIT = URL_LIMIT + JSON_LIMIT

Body = TypeVar("Body", bound=SpecModel)
Files = Mapping[str, FileStorage]


class ImageReference(SpecModel):
    """A picture to start from."""

    image_url: str | None = Field(default=None, description="https:, http: or data: (base64).")
    file_id: str | None = Field(default=None, description="An upload's or an artifact's id of the native API.")

    @model_validator(mode="after")
    def _exactly_one(self) -> "ImageReference":
        if (self.image_url is None) == (self.file_id is None):
            raise ValueError("give exactly one of image_url and file_id")
        return self


class VideoReference(SpecModel):
    """A completed video."""

    id: str = Field(min_length=1)


class OwnFields(SpecModel):
    """What vidgen offers beyond this API; send it through the SDK's `extra_body`."""

    negative_prompt: str | None = None
    seed: int | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    callback_url: str | None = None


class Prompted(OwnFields):
    prompt: str = Field(min_length=1)


class VideoCreate(Prompted):
    model: str | None = Field(default=None, description="A model id of GET /models; `sora-2` means the default one.")
    seconds: str | float | None = None
    size: str | None = None
    fps: int | None = Field(default=None, ge=1, le=120)
    input_reference: ImageReference | None = None


class VideoRemix(Prompted):
    strength: float | None = Field(default=None, description="0..1: how far from the source the result may go.")


class VideoEdit(VideoRemix):
    video: VideoReference | None = None


class VideoExtend(Prompted):
    video: VideoReference | None = None
    seconds: str | float = Field(description="Length of the new part.")


def read(model: type[Body], file_field: str | None = None) -> tuple[Body, FileStorage | None]:
    """The request's body, and the file in the form field `file_field`. Raises ProblemError."""
    if request.mimetype in FORM_TYPES:
        # a data: URL comes as a plain field, and may be longer than werkzeug allows those to be
        request.max_form_memory_size = BODY_LIMIT
        # a client whose only field is an empty text sends a form without fields: what it lacks is told below
        fields, files = unflattened(plain_form()), form_files()
    elif request.mimetype == JSON_TYPE:
        fields, files = json_object(limit=BODY_LIMIT), {}
    else:
        raise unsupported(JSON_TYPE, *FORM_TYPES)
    file = files.pop(file_field, None) if file_field else None
    if files:
        raise _refused(next(iter(files)), "no file is expected in this field")
    if file is not None and file_field in fields:
        raise _refused(str(file_field), "give a file or a reference, not both")
    return checked(model, fields), file


def unflattened(form: Mapping[str, str]) -> dict[str, Any]:
    """Form fields with `outer[inner]` as nested objects; empty fields are left out."""
    fields: dict[str, Any] = {}
    for name, value in form.items():
        nested = NESTED.fullmatch(name)
        if value == "":
            continue
        if nested is None:
            fields[name] = value
            continue
        inner = fields.setdefault(nested[1], {})
        if not isinstance(inner, dict):
            raise _refused(nested[1], "this field is given twice")
        inner[nested[2]] = value
    return fields


def _refused(field: str, message: str) -> ProblemError:
    return ProblemError("invalid_request", f"{field}: {message}", errors=(FieldError(field=field, message=message),))

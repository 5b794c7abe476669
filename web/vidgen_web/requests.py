"""Reads request bodies: JSON objects, forms, and uploaded files, each within its cap."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import FileStorage

from vidgen_web.problems import FieldError, ProblemError, problem_of_validation

JSON_LIMIT = 64 * 1024
MOST_DIGITS = 18
JSON_TYPE = "application/json"
FORM_TYPES = ("multipart/form-data", "application/x-www-form-urlencoded")

Body = TypeVar("Body", bound=BaseModel)


def json_object(*, optional: bool = False, limit: int = JSON_LIMIT) -> dict[str, Any]:
    """The request's JSON object, `limit` bytes at most. `optional` takes an empty body for an empty object.

    Raises ProblemError unsupported_content_type, body_too_large or invalid_json.
    """
    request.max_content_length = limit
    body = request.get_data()
    if optional and not body:
        return {}
    if request.mimetype != JSON_TYPE:
        raise unsupported(JSON_TYPE)
    return parse_object(body)


def parse_object(text: str | bytes) -> dict[str, Any]:
    """`text` as a JSON object. Raises ProblemError invalid_json."""
    try:
        value = json.loads(text, parse_constant=_no_constants)
    except (ValueError, RecursionError) as error:
        raise ProblemError("invalid_json", f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ProblemError("invalid_json", "the body must be a JSON object")
    if not _is_plain(value):
        raise ProblemError("invalid_json", "texts may hold neither the character NUL nor half of a surrogate pair")
    return value


def form_texts() -> dict[str, str]:
    """The request's form. Raises ProblemError bad_request for a body in which no field can be found."""
    if request.content_length and not request.form and not request.files:
        raise ProblemError("bad_request", "the form cannot be read: no field was found in it")
    return plain_form()


def plain_form() -> dict[str, str]:
    """The request's form, which may be empty. Raises ProblemError bad_request for texts that no database holds."""
    if not _is_plain(form := request.form.to_dict()):
        raise ProblemError("bad_request", "texts may not hold the character NUL")
    return form


def form_files() -> dict[str, FileStorage]:
    """The request's files by their fields. Raises ProblemError invalid_request for two files in one field."""
    for name, files in request.files.lists():
        if len(files) > 1:
            told = FieldError(field=name, message=f"{name}: {len(files)} files in one field; send one")
            raise ProblemError("invalid_request", told.message, errors=(told,))
    return dict(request.files)


def form_number(name: str) -> int | None:
    """The whole number in a form's field; None where it is empty. Raises ProblemError invalid_request."""
    text = request.form.get(name, "").strip()
    if not text:
        return None
    # Python itself refuses to read thousands of digits, and no database holds more than these
    if not text.isdecimal() or len(text) > MOST_DIGITS:
        told = FieldError(field=name, message=f"{name}: give a whole number of at most {MOST_DIGITS} digits")
        raise ProblemError("invalid_request", told.message, errors=(told,))
    return int(text)


def _is_plain(value: Any) -> bool:
    """Whether databases and answers can hold every text in it."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, dict):
        return all(_is_plain(key) and _is_plain(item) for key, item in value.items())
    return all(map(_is_plain, value)) if isinstance(value, list) else True


def json_model(model: type[Body], *, optional: bool = False) -> Body:
    """The request's JSON body as `model`. Raises ProblemError; invalid_request names every wrong field."""
    return checked(model, json_object(optional=optional))


def query_model(model: type[Body]) -> Body:
    """The query string as `model`; unknown parameters are errors."""
    return checked(model, request.args.to_dict())


def checked(model: type[Body], values: Mapping[str, Any]) -> Body:
    """`values` as `model`. Raises ProblemError invalid_request."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise problem_of_validation(error, model) from error


def unsupported(*wanted: str) -> ProblemError:
    """The problem of a body in a content type that the route does not read."""
    given = request.mimetype or "nothing"
    return ProblemError("unsupported_content_type", f"Content-Type is {given}; send {' or '.join(wanted)}")


def _no_constants(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")

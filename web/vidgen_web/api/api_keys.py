"""/api-keys: the keys of the caller's tenant, for its administrators."""

from typing import Annotated

from flask import Blueprint, Response, jsonify, url_for
from pydantic import Field

from vidgen.jobs.tenants.keys import ADMIN, MOST_DAYS, SCOPES
from vidgen.jobs.views import ApiKey, MadeKey
from vidgen.spec.base import SpecModel
from vidgen_web.answers import KeyList
from vidgen_web.operations import Parameter, operation
from vidgen_web.problems import ProblemError
from vidgen_web.requests import json_model, query_model
from vidgen_web.services import services

blueprint = Blueprint("api_keys", __name__, url_prefix="/api-keys")

Scopes = Annotated[
    tuple[str, ...], Field(min_length=1, max_length=len(SCOPES), description=f"Out of {', '.join(SCOPES)}.")
]


class KeyCreate(SpecModel):
    name: str = Field(default="", max_length=200, pattern=r"^[^\x00-\x1f]*$", description="What the key is for.")
    scopes: Scopes
    expires_in_days: float | None = Field(default=None, gt=0, le=MOST_DAYS, description="Left out: it does not expire.")


class ListQuery(SpecModel):
    limit: int = Field(default=20, ge=1, le=100)
    cursor: str | None = None


@blueprint.post("")
@operation(
    "API keys",
    "Make a key",
    description="The answer holds the key, this once: only its sha256 is kept.",
    scope=ADMIN,
    body=KeyCreate,
    answers={201: MadeKey},
    problems=("invalid_json", "body_too_large", "unsupported_content_type", "invalid_request", "invalid_scopes"),
)
def create() -> Response:
    asked = json_model(KeyCreate)
    made = services().keys.create(asked.name, asked.scopes, expires_in_days=asked.expires_in_days)
    response = jsonify(made.model_dump(mode="json"))
    response.status_code = 201
    response.headers["Location"] = url_for(".show", key_id=made.id)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("")
@operation(
    "API keys",
    "List keys, newest first",
    scope=ADMIN,
    answers={200: KeyList},
    parameters=(
        Parameter("limit", "1 to 100, 20 when left out.", schema={"type": "integer", "minimum": 1, "maximum": 100}),
        Parameter("cursor", "`next_cursor` of the page before."),
    ),
    problems=("invalid_request", "invalid_cursor"),
)
def index() -> Response:
    query = query_model(ListQuery)
    page = services().keys.list(limit=query.limit, cursor=query.cursor)
    return jsonify(items=[key.model_dump(mode="json") for key in page.items], next_cursor=page.next_cursor)


@blueprint.get("/<key_id>")
@operation("API keys", "Read a key's facts", scope=ADMIN, answers={200: ApiKey}, problems=("not_found",))
def show(key_id: str) -> Response:
    key = services().keys.get(key_id)
    if key is None:
        raise ProblemError("not_found", f"{key_id}: no such API key")
    return jsonify(key.model_dump(mode="json"))


@blueprint.delete("/<key_id>")
@operation(
    "API keys",
    "Revoke a key",
    description="From the next request on it opens nothing. Its facts stay in the list.",
    scope=ADMIN,
    answers={204: None},
    problems=("not_found",),
)
def revoke(key_id: str) -> Response:
    services().keys.revoke(key_id)
    return Response(status=204)

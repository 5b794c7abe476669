"""/openapi.json: the API's description, made from what the routes promise and from the pydantic models.

Knows how to turn Operations into OpenAPI 3.1. Does not know any single route.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from vidgen import __version__
from vidgen_web.access import ANY_KEY, PUBLIC
from vidgen_web.caller import PORTAL_API
from vidgen_web.operations import ErrorForm, Media, Operation, Parameter, operation, operation_of
from vidgen_web.problems import CONTENT_TYPE, STATUS_BY_CODE, TITLES, Problem

blueprint = Blueprint("openapi", __name__)

PROBLEM_FORM = ErrorForm(CONTENT_TYPE, Problem, STATUS_BY_CODE.__getitem__)
REFERENCE = "#/components/schemas/{model}"
API_PREFIX = "/api/v1"
OUTSIDE_PREFIX = ("/healthz", "/metrics", "/readyz")
SECURITY = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key. In single-user mode, programs on this machine need none.",
}
EVERYWHERE = ("cross_origin", "wrong_host", "internal_error", "database_unavailable")
TAGS = {
    "Jobs": "Queue work and follow it.",
    "Sweeps": "One clip many times over with one or two fields varied, on one sheet.",
    "Prompts": "Prompts made fuller and clearer.",
    "Queue": "Whether jobs are handed out.",
    "Events": "Server-sent events.",
    "Uploads": "Pictures and clips from outside.",
    "Recall": "How a file was made, out of the file itself.",
    "Artifacts": "Files that jobs made.",
    "Models": "What is installed.",
    "Videos": "The video API of the `openai` SDK: the same jobs in its words, with its form of errors.",
    "Webhooks": "Signed calls when jobs end.",
    "API keys": "Who may come in, and what for. The keys of the caller's own tenant.",
    "Health": "For probes and monitors.",
    "Description": "This document.",
}
ABOUT = (
    "Generate and animate video on your own machine. Every failure is `application/problem+json` with a stable `code`. "
    "Lists are objects with `items` and, where they can be long, `next_cursor`."
)


@blueprint.get("/openapi.json")
@operation(
    "Description", "This document", scope=PUBLIC, answers={200: Media("application/json", "An OpenAPI 3.1 document.")}
)
def show() -> Response:
    return jsonify(document(current_app))


def document(app: Flask) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an app's routes."""
    found = list(_routes(app))
    schemas = _Schemas([promise for _, _, promise in found])
    paths: dict[str, dict[str, Any]] = {}
    for path, method, promise in found:
        paths.setdefault(path, {})[method] = _operation(path, method, promise, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "vidgen",
            "version": __version__,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": schemas.definitions, "securitySchemes": {"key": SECURITY}},
    }


def _routes(app: Flask) -> Iterable[tuple[str, str, Operation]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        promise = operation_of(app.view_functions[rule.endpoint])
        if promise is not None and not rule.rule.startswith(PORTAL_API):
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield path, method.lower(), promise


class _Schemas:
    """JSON schemas of all types that operations name, with shared definitions."""

    def __init__(self, promises: Iterable[Operation]) -> None:
        inputs: list[tuple[Any, JsonSchemaMode]] = [(p.body, "validation") for p in promises if p.body is not None]
        outputs: list[tuple[Any, JsonSchemaMode]] = [
            (answer, "serialization")
            for p in promises
            for answer in p.answers.values()
            if answer is not None and not isinstance(answer, Media)
        ]
        failures: list[tuple[Any, JsonSchemaMode]] = [(p.errors.body, "serialization") for p in promises if p.errors]
        every = (*inputs, *outputs, *failures, (Problem, "serialization"))
        wanted = {(str(kind), mode): kind for kind, mode in every}
        adapters: list[tuple[Any, JsonSchemaMode, TypeAdapter[Any]]] = [
            (name, mode, TypeAdapter(kind)) for (name, mode), kind in wanted.items()
        ]
        self._by_type, rest = TypeAdapter.json_schemas(
            adapters, ref_template=REFERENCE, schema_generator=GenerateJsonSchema
        )
        self.definitions: dict[str, Any] = dict(sorted(rest.get("$defs", {}).items()))

    def body(self, kind: Any) -> dict[str, Any]:
        return self._by_type[str(kind), "validation"]

    def answer(self, kind: Any) -> dict[str, Any]:
        return self._by_type[str(kind), "serialization"]


def _operation(path: str, method: str, promise: Operation, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "tags": [promise.tag],
        "summary": promise.summary,
        "operationId": _operation_id(path, method),
        "parameters": [*_path_parameters(path), *map(_parameter, promise.parameters)],
        "responses": _responses(promise, schemas, method),
    }
    if promise.scope != PUBLIC:
        described["security"] = [{"key": [] if promise.scope == ANY_KEY else [promise.scope]}]
    if promise.description:
        described["description"] = promise.description
    content: dict[str, Any] = {}
    if promise.body is not None:
        content["application/json"] = {"schema": schemas.body(promise.body)}
    if promise.form is not None:
        content["multipart/form-data"] = {"schema": promise.form}
    if content:
        described["requestBody"] = {"required": True, "content": content}
    return described


def _responses(promise: Operation, schemas: _Schemas, method: str) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, kind in promise.answers.items():
        if kind is None:
            responses[str(status)] = {"description": "Done; no body."}
        elif isinstance(kind, Media):
            content: dict[str, Any] = {kind.content_type: {"schema": {}}}
            responses[str(status)] = {"description": kind.description, "content": content}
        else:
            content = {"application/json": {"schema": schemas.answer(kind)}}
            responses[str(status)] = {"description": "Done.", "content": content}
    if method == "get" and promise.scope != PUBLIC and not _is_stream(promise):
        responses["304"] = {"description": "Nothing has changed since the ETag that If-None-Match named; no body."}
    errors = promise.errors or PROBLEM_FORM
    by_status: dict[int, list[str]] = {}
    for code in (*promise.problems, *refusals(promise), *EVERYWHERE):
        by_status.setdefault(errors.status_of(code), []).append(code)
    problem = {errors.content_type: {"schema": schemas.answer(errors.body)}}
    for status, codes in sorted(by_status.items()):
        text = f"{TITLES[status]}: {', '.join(f'`{code}`' for code in codes)}"
        responses[str(status)] = {"description": text, "content": problem}
    return responses


def _is_stream(promise: Operation) -> bool:
    return any(
        isinstance(kind, Media) and kind.content_type == "text/event-stream" for kind in promise.answers.values()
    )


def refusals(promise: Operation) -> tuple[str, ...]:
    """How callers are turned away who may not use the route."""
    if promise.scope == PUBLIC:
        return ()
    return ("unauthorized",) if promise.scope == ANY_KEY else ("unauthorized", "missing_scope")


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema: Mapping[str, Any] = parameter.schema
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "required": False,
        "schema": dict(schema),
    }


def _operation_id(path: str, method: str) -> str:
    words = re.findall(r"\w+", path.removeprefix(API_PREFIX).replace(".", "_"))
    return "_".join([method, *words])

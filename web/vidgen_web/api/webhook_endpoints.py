"""/webhook-endpoints and /webhook-deliveries: who is told when jobs end, and what became of the telling."""

from contextlib import nullcontext
from typing import Annotated, get_args

from flask import Blueprint, Response, jsonify, url_for
from pydantic import AwareDatetime, Field

from vidgen.jobs.views import Delivery, DeliveryStatus, Endpoint
from vidgen.jobs.webhooks.endpoints import ALL_EVENTS, EVENTS
from vidgen.spec.base import SpecModel
from vidgen_web.answers import DeliveryList, EndpointAnswer, EndpointList, EndpointSecret, Recovered
from vidgen_web.calls_outside import call_outside
from vidgen_web.operations import Parameter, operation
from vidgen_web.problems import ProblemError
from vidgen_web.requests import json_model, query_model
from vidgen_web.services import services

blueprint = Blueprint("webhook_endpoints", __name__)

BODY_PROBLEMS = ("invalid_json", "body_too_large", "unsupported_content_type", "invalid_request")
Url = Annotated[str, Field(max_length=2000, pattern=r"^https?://")]
Description = Annotated[str, Field(max_length=500)]
Events = Annotated[
    tuple[str, ...], Field(min_length=1, max_length=len(ALL_EVENTS), description=f"Out of {', '.join(ALL_EVENTS)}.")
]


class EndpointCreate(SpecModel):
    url: Url
    description: Description = ""
    events: Events = EVENTS


class EndpointUpdate(SpecModel):
    """What is given is changed, the rest is left."""

    url: Url | None = None
    description: Description | None = None
    events: Events | None = None
    enabled: bool | None = None


class ListQuery(SpecModel):
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = None


class DeliveryQuery(ListQuery):
    status: DeliveryStatus | None = None


class Recovery(SpecModel):
    since: AwareDatetime = Field(description="Failed deliveries of events from then on are sent again.")


LIMIT = Parameter("limit", "1 to 200, 50 when left out.", schema={"type": "integer", "minimum": 1, "maximum": 200})
CURSOR = Parameter("cursor", "`next_cursor` of the page before.")
STATUS = Parameter("status", "Only these.", schema={"type": "string", "enum": list(get_args(DeliveryStatus))})


@blueprint.post("/webhook-endpoints")
@operation(
    "Webhooks",
    "Register a receiver",
    description="The answer holds the signing secret, this once.",
    body=EndpointCreate,
    scope="webhooks",
    answers={201: EndpointSecret},
    problems=(*BODY_PROBLEMS, "url_refused", "too_many_calls", "invalid_events"),
)
def create() -> Response:
    asked = json_model(EndpointCreate)
    with call_outside(services()):
        endpoint = services().endpoints.create(asked.url, asked.description, asked.events)
    response = jsonify(endpoint.model_dump(mode="json"))
    response.status_code = 201
    response.headers["Location"] = url_for(".show", endpoint_id=endpoint.id)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/webhook-endpoints")
@operation(
    "Webhooks",
    "List receivers, oldest first",
    scope="webhooks",
    answers={200: EndpointList},
    parameters=(LIMIT, CURSOR),
    problems=("invalid_request", "invalid_cursor"),
)
def index() -> Response:
    query = query_model(ListQuery)
    page = services().endpoints.list(query.limit, query.cursor)
    return jsonify(items=[_answer(endpoint) for endpoint in page.items], next_cursor=page.next_cursor)


@blueprint.get("/webhook-endpoints/<endpoint_id>")
@operation("Webhooks", "Read a receiver", scope="webhooks", answers={200: EndpointAnswer}, problems=("not_found",))
def show(endpoint_id: str) -> Response:
    return jsonify(_answer(_existing(endpoint_id)))


@blueprint.patch("/webhook-endpoints/<endpoint_id>")
@operation(
    "Webhooks",
    "Change a receiver",
    body=EndpointUpdate,
    scope="webhooks",
    answers={200: EndpointAnswer},
    problems=(*BODY_PROBLEMS, "not_found", "url_refused", "too_many_calls", "invalid_events"),
)
def update(endpoint_id: str) -> Response:
    asked = json_model(EndpointUpdate)
    with nullcontext() if asked.url is None else call_outside(services()):
        changed = services().endpoints.update(
            endpoint_id, url=asked.url, description=asked.description, events=asked.events, enabled=asked.enabled
        )
    return jsonify(_answer(changed))


@blueprint.delete("/webhook-endpoints/<endpoint_id>")
@operation("Webhooks", "Remove a receiver", scope="webhooks", answers={204: None}, problems=("not_found",))
def delete(endpoint_id: str) -> Response:
    services().endpoints.delete(endpoint_id)
    return Response(status=204)


@blueprint.post("/webhook-endpoints/<endpoint_id>/test")
@operation(
    "Webhooks",
    "Send a `webhook.test` event",
    scope="webhooks",
    answers={202: Delivery},
    problems=("not_found",),
)
def test(endpoint_id: str) -> Response:
    return _queued(services().endpoints.test(endpoint_id))


@blueprint.post("/webhook-endpoints/<endpoint_id>/rotate-secret")
@operation(
    "Webhooks",
    "Make a new secret",
    description="The answer holds it, this once. For a day deliveries carry signatures of both.",
    scope="webhooks",
    answers={200: EndpointSecret},
    problems=("not_found",),
)
def rotate_secret(endpoint_id: str) -> Response:
    response = jsonify(services().endpoints.rotate_secret(endpoint_id).model_dump(mode="json"))
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/webhook-endpoints/<endpoint_id>/recover")
@operation(
    "Webhooks",
    "Send all failed deliveries since a time again",
    body=Recovery,
    scope="webhooks",
    answers={202: Recovered},
    problems=(*BODY_PROBLEMS, "not_found"),
)
def recover(endpoint_id: str) -> Response:
    since = json_model(Recovery).since
    response = jsonify(deliveries=services().deliveries.recover(_existing(endpoint_id).id, since))
    response.status_code = 202
    return response


@blueprint.get("/webhook-endpoints/<endpoint_id>/deliveries")
@operation(
    "Webhooks",
    "List a receiver's deliveries, newest first",
    scope="webhooks",
    answers={200: DeliveryList},
    parameters=(LIMIT, CURSOR, STATUS),
    problems=("invalid_request", "invalid_cursor", "not_found"),
)
def endpoint_deliveries(endpoint_id: str) -> Response:
    return _deliveries(_existing(endpoint_id).id)


@blueprint.get("/webhook-deliveries")
@operation(
    "Webhooks",
    "List all deliveries, those of per-job callbacks too, newest first",
    scope="webhooks",
    answers={200: DeliveryList},
    parameters=(LIMIT, CURSOR, STATUS),
    problems=("invalid_request", "invalid_cursor"),
)
def deliveries() -> Response:
    return _deliveries(None)


@blueprint.get("/webhook-deliveries/<delivery_id>")
@operation(
    "Webhooks",
    "Read a delivery and the log of its attempts",
    scope="webhooks",
    answers={200: Delivery},
    problems=("not_found",),
)
def delivery(delivery_id: str) -> Response:
    found = services().deliveries.get(delivery_id)
    if found is None:
        raise ProblemError("not_found", f"there is no delivery {delivery_id}")
    return jsonify(found.model_dump(mode="json"))


@blueprint.post("/webhook-deliveries/<delivery_id>/resend")
@operation("Webhooks", "Send a delivery again", scope="webhooks", answers={202: Delivery}, problems=("not_found",))
def resend(delivery_id: str) -> Response:
    return _queued(services().deliveries.resend(delivery_id))


def _existing(endpoint_id: str) -> Endpoint:
    endpoint = services().endpoints.get(endpoint_id)
    if endpoint is None:
        raise ProblemError("not_found", f"there is no webhook endpoint {endpoint_id}")
    return endpoint


def _answer(endpoint: Endpoint) -> dict[str, object]:
    return endpoint.model_dump(mode="json", exclude={"secret"})


def _queued(delivery: Delivery) -> Response:
    response = jsonify(delivery.model_dump(mode="json"))
    response.status_code = 202
    return response


def _deliveries(endpoint_id: str | None) -> Response:
    query = query_model(DeliveryQuery)
    page = services().deliveries.list(endpoint_id, status=query.status, limit=query.limit, cursor=query.cursor)
    return jsonify(page.model_dump(mode="json"))

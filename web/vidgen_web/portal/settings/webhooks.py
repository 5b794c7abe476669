"""/settings/webhooks: who is told when clips end, and whether they hear it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from vidgen.errors import VidgenError
from vidgen.jobs.views import Endpoint
from vidgen.jobs.webhooks.endpoints import ALL_EVENTS, EVENTS
from vidgen_web.access import needs
from vidgen_web.api.webhook_endpoints import EndpointCreate, EndpointUpdate
from vidgen_web.calls_outside import call_outside
from vidgen_web.portal.messages import said
from vidgen_web.portal.settings.deliveries import log_of
from vidgen_web.problems import STATUS_BY_CODE, ProblemError, problem_of
from vidgen_web.requests import checked, plain_form
from vidgen_web.services import services

SCOPE = "webhooks"
PAGE = 50
RECOVERED_HOURS = (1, 24, 24 * 7, 24 * 30)


def register(blueprint: Blueprint) -> None:
    blueprint.get("/webhooks", endpoint="webhooks")(index)
    blueprint.post("/webhooks", endpoint="create_webhook")(create)
    blueprint.get("/webhooks/<endpoint_id>", endpoint="webhook")(show)
    for verb, view in (
        ("change", change),
        ("switch", switch),
        ("test", test),
        ("rotate", rotate),
        ("recover", recover),
        ("delete", delete),
    ):
        blueprint.post(f"/webhooks/<endpoint_id>/{verb}", endpoint=f"{verb}_webhook")(view)


@needs(SCOPE)
def index() -> str:
    return _list()


@needs(SCOPE)
def create() -> Response:
    """Add a receiver; the page that answers shows its secret, this once."""
    form = plain_form()
    try:
        asked = checked(EndpointCreate, _told(form))
        with call_outside(services()):
            made = services().endpoints.create(asked.url, asked.description, asked.events)
    except VidgenError as error:
        return _refused(error, lambda errors: _list(errors=errors, form=form))
    return _secret_page(made)


@needs(SCOPE)
def show(endpoint_id: str) -> str:
    return _one(_existing(endpoint_id))


@needs(SCOPE)
def change(endpoint_id: str) -> AnyResponse:
    endpoint, form = _existing(endpoint_id), plain_form()
    try:
        asked = checked(EndpointUpdate, _told(form))
        with call_outside(services()):
            services().endpoints.update(endpoint_id, url=asked.url, description=asked.description, events=asked.events)
    except VidgenError as error:
        return _refused(error, lambda errors: _one(endpoint, errors=errors, form=form))
    return _back(endpoint_id)


@needs(SCOPE)
def switch(endpoint_id: str) -> AnyResponse:
    """On or off."""
    services().endpoints.update(endpoint_id, enabled=request.form.get("enabled") == "1")
    return _back(endpoint_id)


@needs(SCOPE)
def test(endpoint_id: str) -> AnyResponse:
    services().endpoints.test(endpoint_id)
    return _back(endpoint_id)


@needs(SCOPE)
def rotate(endpoint_id: str) -> Response:
    return _secret_page(services().endpoints.rotate_secret(endpoint_id))


@needs(SCOPE)
def recover(endpoint_id: str) -> AnyResponse:
    """Send everything again that failed within the hours that the form names."""
    asked = request.form.get("hours", "")
    hours = int(asked) if asked.isdecimal() and len(asked) < 5 else RECOVERED_HOURS[0]
    services().deliveries.recover(_existing(endpoint_id).id, datetime.now(UTC) - timedelta(hours=hours))
    return _back(endpoint_id)


@needs(SCOPE)
def delete(endpoint_id: str) -> AnyResponse:
    services().endpoints.delete(endpoint_id)
    return redirect(url_for("settings.webhooks"), 303)


def _list(**more: Any) -> str:
    page = services().endpoints.list(PAGE, request.args.get("cursor"))
    told = {"errors": {}, "form": {}, **more}
    return render_template("settings/webhooks.html", page=page, **_events(), **told)


def _one(endpoint: Endpoint, **more: Any) -> str:
    told = {"errors": {}, "form": {}, "hours": RECOVERED_HOURS, **more}
    return render_template("settings/webhook.html", endpoint=endpoint, **_events(), **log_of(endpoint.id), **told)


def _events() -> dict[str, Any]:
    return {"all_events": ALL_EVENTS, "usual_events": request.form.getlist("events") or EVENTS}


def _told(form: dict[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {name: form[name].strip() for name in ("url", "description") if name in form}
    return {**told, "events": tuple(request.form.getlist("events"))}


def _secret_page(endpoint: Endpoint) -> Response:
    response = Response(_one(endpoint, secret=endpoint.secret), 201)
    response.headers["Cache-Control"] = "no-store"
    return response


def _refused(error: VidgenError, page: Any) -> Response:
    problem = problem_of(error)
    errors = {e.field.partition(".")[0]: said(e.message) for e in problem.errors} or {"url": said(problem.message)}
    return Response(page(errors), STATUS_BY_CODE[problem.code])


def _existing(endpoint_id: str) -> Endpoint:
    endpoint = services().endpoints.get(endpoint_id)
    if endpoint is None:
        raise ProblemError("not_found", f"there is no webhook endpoint {endpoint_id}")
    return endpoint


def _back(endpoint_id: str) -> AnyResponse:
    return redirect(url_for("settings.webhook", endpoint_id=endpoint_id), 303)

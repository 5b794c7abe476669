"""/settings/deliveries: what became of every webhook, and sending one again."""

from typing import Any, get_args

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from vidgen.jobs.views import DeliveryStatus
from vidgen_web.access import needs
from vidgen_web.portal.languages import mark
from vidgen_web.services import services

PAGE = 20
STATUS_NAMES = {"pending": mark("under way"), "delivered": mark("delivered"), "failed": mark("failed")}


def register(blueprint: Blueprint) -> None:
    blueprint.get("/deliveries", endpoint="deliveries")(show)
    blueprint.post("/deliveries/<delivery_id>/resend", endpoint="resend")(resend)


@needs("webhooks")
def show() -> str:
    return render_template("settings/deliveries.html", **log_of(None))


@needs("webhooks")
def resend(delivery_id: str) -> Response:
    """Send it again; back to the log of its receiver, or to the log of all."""
    delivery = services().deliveries.resend(delivery_id)
    if delivery.endpoint_id is None:
        return redirect(url_for("settings.deliveries"), 303)
    return redirect(url_for("settings.webhook", endpoint_id=delivery.endpoint_id, _anchor="log"), 303)


def log_of(endpoint_id: str | None) -> dict[str, Any]:
    """A page of the log for templates. Query: `status` and `cursor`."""
    wanted = request.args.get("status")
    status = next((known for known in get_args(DeliveryStatus) if known == wanted), None)
    page = services().deliveries.list(endpoint_id, status=status, limit=PAGE, cursor=request.args.get("cursor"))
    return {"log": page, "log_status": status, "status_names": STATUS_NAMES}

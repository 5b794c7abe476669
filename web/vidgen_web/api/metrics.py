"""/metrics for Prometheus. Not public: the figures are of all tenants."""

from flask import Blueprint, Response, request

from vidgen_web.operations import Media, operation
from vidgen_web.problems import ProblemError
from vidgen_web.services import services

blueprint = Blueprint("metrics", __name__)

HANDED_ON = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


@blueprint.get("/metrics")
@operation(
    "Health",
    "Figures of the whole service, for Prometheus",
    description="Answers this machine only, and not through a proxy.",
    answers={200: Media("text/plain", "Prometheus' text format, or OpenMetrics if accepted.")},
    problems=("metrics_refused",),
)
def show() -> Response:
    if any(name in request.headers for name in HANDED_ON):
        raise ProblemError("metrics_refused", "metrics are told to this machine only, not through a proxy")
    from vidgen_web.metrics import exposition  # its library costs 60 ms that most processes never need

    body, content_type = exposition(services(), request.headers.get("Accept", ""))
    return Response(body, content_type=content_type, headers={"Cache-Control": "no-store"})

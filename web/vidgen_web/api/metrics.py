"""/metrics for Prometheus. Not public: the figures are of all tenants."""

from flask import Blueprint, Response, request

from vidgen.jobs.tenants.keys import ADMIN
from vidgen.jobs.tenants.tenancy import LOCAL
from vidgen_web.access import PUBLIC
from vidgen_web.caller import caller
from vidgen_web.operations import Media, operation
from vidgen_web.problems import ProblemError
from vidgen_web.services import services

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@operation(
    "Health",
    "Figures of the whole service, for Prometheus",
    description="Answers administrators' keys of the tenant `local`, and in single-user mode this machine without one, "
    "though not through a proxy.",
    scope=PUBLIC,
    answers={200: Media("text/plain", "Prometheus' text format, or OpenMetrics if accepted.")},
    problems=("metrics_refused",),
)
def show() -> Response:
    # this machine's user is recognised as such by the rule that all routes share; a proxy's request is nobody's
    if caller().tenant != LOCAL or not caller().may(ADMIN):
        told = f"metrics are told to {ADMIN} keys of tenant {LOCAL} and, in single-user mode, to this machine"
        raise ProblemError("metrics_refused", told)
    from vidgen_web.metrics import exposition  # its library costs 60 ms that most processes never need

    body, content_type = exposition(services(), request.headers.get("Accept", ""))
    return Response(body, content_type=content_type, headers={"Cache-Control": "no-store"})

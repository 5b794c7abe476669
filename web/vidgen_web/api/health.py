"""/healthz and /readyz: whether the process lives, and whether it can take work."""

from flask import Blueprint, Response, jsonify

from vidgen import __version__
from vidgen.jobs.state.readiness import State, check_readiness, worst
from vidgen.spec.base import SpecModel
from vidgen_web.access import PUBLIC
from vidgen_web.operations import operation
from vidgen_web.problems import ProblemError
from vidgen_web.services import services

blueprint = Blueprint("health", __name__)


class Health(SpecModel):
    status: str
    version: str


class Readiness(SpecModel):
    """`degraded`: jobs are accepted and kept, but nothing runs them now. `checks` says what was found, by name."""

    status: State
    version: str
    checks: dict[str, str]


@blueprint.get("/healthz")
@operation("Health", "Whether the process lives", scope=PUBLIC, answers={200: Health})
def live() -> Response:
    return jsonify(status="ok", version=__version__)


@blueprint.get("/readyz")
@operation(
    "Health",
    "Whether the service can take work",
    description="Looks at the database, its migrations, the disk and the workers.",
    scope=PUBLIC,
    answers={200: Readiness},
    problems=("not_ready",),
)
def ready() -> Response:
    checks = check_readiness(services().engine, services().settings)
    if worst(checks) == "unready":
        wrong = "; ".join(f"{check.name}: {check.detail}" for check in checks if check.state == "unready")
        raise ProblemError("not_ready", wrong, headers={"Retry-After": "5"})
    return jsonify(status=worst(checks), version=__version__, checks={check.name: check.detail for check in checks})

"""/queue: whether jobs are handed out, how many wait, who works; and the operator's switch."""

from flask import Blueprint, Response, jsonify
from pydantic import Field

from vidgen.jobs.line.pausing import REASON_LIMIT
from vidgen.jobs.line.pokes import poke
from vidgen.jobs.tenants.keys import ADMIN
from vidgen.jobs.tenants.tenancy import LOCAL
from vidgen.jobs.views import QueueState, Worker
from vidgen.spec import JobStatus
from vidgen.spec.base import SpecModel
from vidgen_web.caller import caller
from vidgen_web.operations import operation
from vidgen_web.problems import ProblemError
from vidgen_web.requests import json_model
from vidgen_web.services import Services, services

blueprint = Blueprint("queue", __name__, url_prefix="/queue")


class QueueAnswer(QueueState):
    """The switch, the caller's jobs, and how many workers there are for everybody's."""

    queued: int = Field(description="Of the caller's jobs.")
    running: int = Field(description="Of the caller's jobs.")
    workers: int = Field(description="Processes that have said within half a minute that they are alive.")
    idle_workers: int


class Pause(SpecModel):
    reason: str | None = Field(default=None, max_length=REASON_LIMIT, description="Shown to callers with `jobs:read`.")


@blueprint.get("")
@operation("Queue", "Whether jobs are handed out, and how many wait", scope="jobs:read", answers={200: QueueAnswer})
def show() -> Response:
    return jsonify(_answer(services().switch.state()))


@blueprint.post("/pause")
@operation(
    "Queue",
    "Hand out no more jobs",
    description="Queued jobs wait, running ones go on, new ones are accepted. For the operator: an administrator's "
    "key of the tenant `local`, or this machine's user.",
    scope=ADMIN,
    body=Pause,
    answers={200: QueueAnswer},
    problems=("invalid_json", "body_too_large", "unsupported_content_type", "invalid_request", "not_operator"),
)
def pause() -> Response:
    check_operator()
    asked = json_model(Pause, optional=True)
    return jsonify(_answer(services().switch.pause(asked.reason)))


@blueprint.post("/resume")
@operation("Queue", "Hand out jobs again", scope=ADMIN, answers={200: QueueAnswer}, problems=("not_operator",))
def resume() -> Response:
    check_operator()
    return jsonify(_answer(resume_queue(services())))


def check_operator() -> None:
    """Raise ProblemError not_operator: a tenant's administrator rules over that tenant, the queue is everybody's."""
    if caller().tenant != LOCAL:
        raise ProblemError("not_operator", "only the operator of the service pauses its queue")


def resume_queue(found: Services) -> QueueState:
    """Hand out jobs again, from now on and not only when a worker next looks."""
    state = found.switch.resume()
    poke(found.settings)
    return state


def _answer(state: QueueState) -> dict[str, object]:
    found = services()
    counts, workers = found.jobs.counts(), found.presence.alive()
    return QueueAnswer(
        **state.model_dump(),
        queued=counts[JobStatus.QUEUED],
        running=counts[JobStatus.RUNNING],
        workers=len(workers),
        idle_workers=sum(_is_idle(worker) for worker in workers),
    ).model_dump(mode="json")


def _is_idle(worker: Worker) -> bool:
    return worker.job_id is None

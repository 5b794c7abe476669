"""The operator's switch as form posts: hand out no more jobs, or go on."""

from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response

from vidgen.jobs.tenants.keys import ADMIN
from vidgen_web.access import needs
from vidgen_web.api.queue import check_operator, resume_queue
from vidgen_web.portal import csrf
from vidgen_web.services import services

blueprint = Blueprint("queue_forms", __name__, url_prefix="/queue")


@blueprint.before_request
def check_form() -> None:
    csrf.check()


@blueprint.post("/pause")
@needs(ADMIN)
def pause() -> Response:
    check_operator()
    services().switch.pause()
    return redirect(url_for("portal.home", _anchor="queue"), 303)


@blueprint.post("/resume")
@needs(ADMIN)
def resume() -> Response:
    check_operator()
    resume_queue(services())
    return redirect(url_for("portal.home", _anchor="queue"), 303)

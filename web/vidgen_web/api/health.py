"""/healthz and /readyz: whether the process lives, and whether it can take work."""

from flask import Blueprint, Response, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from vidgen import __version__
from vidgen.jobs.session import reading
from vidgen.spec.base import SpecModel
from vidgen_web.operations import operation
from vidgen_web.problems import ProblemError
from vidgen_web.services import services

blueprint = Blueprint("health", __name__)


class Health(SpecModel):
    status: str
    version: str


@blueprint.get("/healthz")
@operation("Health", "Whether the process lives", answers={200: Health})
def live() -> Response:
    return jsonify(status="ok", version=__version__)


@blueprint.get("/readyz")
@operation("Health", "Whether the database and the store answer", answers={200: Health}, problems=("not_ready",))
def ready() -> Response:
    try:
        with reading(services().engine) as session:
            session.execute(text("SELECT 1 FROM jobs LIMIT 1"))
        if not services().settings.data_dir.is_dir():
            raise ProblemError("not_ready", "the data folder is gone", headers={"Retry-After": "5"})
    except SQLAlchemyError as error:
        raise ProblemError("not_ready", "the database does not answer", headers={"Retry-After": "5"}) from error
    return jsonify(status="ok", version=__version__)

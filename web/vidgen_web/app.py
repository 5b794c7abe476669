"""The app factory: puts settings, repositories, routes and error answers together."""

import logging

from flask import Flask
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DataError, SQLAlchemyError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestedRangeNotSatisfiable

from vidgen.errors import VidgenError
from vidgen.jobs.database.outages import is_disk_full, is_outage, told
from vidgen.jobs.exposure import refuse_exposure
from vidgen.jobs.gallery import Gallery
from vidgen.jobs.presets import PresetRepository
from vidgen.jobs.service import open_control_plane
from vidgen.jobs.settings import Settings
from vidgen.jobs.sweeps import SweepRepository
from vidgen_models.networks import networks_beside
from vidgen_models.registry import ModelRegistry
from vidgen_web import api, conditional, facade, identity, observation, portal, problems, rate_limits, security
from vidgen_web.intake import MEGABYTE
from vidgen_web.problems import ProblemError
from vidgen_web.services import (
    CALLS_AT_ONCE,
    DRAW_COMMAND,
    EXTENSION,
    FILE_PLACES,
    INGEST_COMMAND,
    RECALL_COMMAND,
    STREAMS,
    Services,
)
from vidgen_web.shares import Shares

log = logging.getLogger(__name__)

FORM_OVERHEAD = MEGABYTE

CODE_BY_STATUS = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_content_type",
    416: "range_not_satisfiable",
}


def create_app(
    settings: Settings,
    *,
    ingest_command: tuple[str, ...] = INGEST_COMMAND,
    recall_command: tuple[str, ...] = RECALL_COMMAND,
    draw_command: tuple[str, ...] = DRAW_COMMAND,
) -> Flask:
    """The WSGI app. The database must have been migrated. Raises ExposedWithoutLogin for a public host."""
    refuse_exposure(settings)
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_upload_mb * MEGABYTE + FORM_OVERHEAD
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    app.extensions[EXTENSION] = _services(settings, ingest_command, recall_command, draw_command)
    observation.observe(app)
    security.protect(app, settings)
    identity.recognise(app, settings, app.extensions[EXTENSION].keys)
    rate_limits.limit(app, settings.rate_limit)
    app.register_blueprint(api.blueprint())
    app.register_blueprint(api.health.blueprint)
    app.register_blueprint(api.metrics.blueprint)
    app.register_blueprint(facade.blueprint())
    portal.register(app)
    conditional.register(app)
    _answer_errors(app)
    return app


def _services(settings: Settings, ingest: tuple[str, ...], recall: tuple[str, ...], draw: tuple[str, ...]) -> Services:
    plane, models = open_control_plane(settings), ModelRegistry(*settings.manifest_folders)
    shared = settings.auth == "keys"
    return Services(
        settings=settings,
        engine=plane.engine,
        jobs=plane.jobs,
        every_job=plane.jobs,
        gallery=Gallery(plane.engine),
        sweeps=SweepRepository(plane.engine),
        presets=PresetRepository(plane.engine),
        uploads=plane.uploads,
        endpoints=plane.endpoints,
        deliveries=plane.deliveries,
        keys=plane.keys,
        quotas=plane.quotas,
        presence=plane.presence,
        switch=plane.switch,
        watchdog=plane.watchdog,
        store=plane.store,
        models=models,
        networks=networks_beside(models),
        streams=Shares(STREAMS, shared=shared),
        calls=Shares(CALLS_AT_ONCE, shared=shared),
        files=Shares(FILE_PLACES, shared=shared),
        ingest_command=ingest,
        recall_command=recall,
        draw_command=draw,
    )


def _answer_errors(app: Flask) -> None:
    @app.errorhandler(VidgenError)
    def expected(error: VidgenError) -> ResponseReturnValue:
        return _told(problems.problem_of(error))

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> ResponseReturnValue:
        status = error.code or 500
        if status < 400:
            return error  # redirects
        code = CODE_BY_STATUS.get(status) or ("bad_request" if status < 500 else "internal_error")
        headers = {}
        if isinstance(error, RequestedRangeNotSatisfiable) and error.length is not None:
            headers["Content-Range"] = f"{error.units} */{error.length}"
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            headers["Allow"] = ", ".join(error.valid_methods)
        return _told(ProblemError(code, error.description or "", headers=headers))

    @app.errorhandler(SQLAlchemyError)
    def database_failed(error: SQLAlchemyError) -> ResponseReturnValue:
        if is_disk_full(error):
            return _told(ProblemError("storage_full", "the disk is full; nothing was changed"))
        if not is_outage(error):
            return unexpected(error)
        # a line and no traceback: while the database is away every request ends here
        log.error("the database is not available: %s: %s", type(error).__name__, told(error))
        return _told(problems.database_unavailable())

    @app.errorhandler(DataError)
    def unstorable(error: DataError) -> ResponseReturnValue:  # noqa: ARG001
        return _told(ProblemError("bad_request", "the request holds a text that the database cannot, such as NUL"))

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> ResponseReturnValue:
        log.exception("unexpected failure", exc_info=error)
        return _told(ProblemError("internal_error", "the service failed; its log says more"))


def _told(problem: ProblemError) -> ResponseReturnValue:
    """The problem in the form that its reader expects."""
    return portal.page_for(problem) or facade.answer_for(problem) or problems.answer(problem)

"""The HTTP API, one module a resource. Knows requests and answers; decides nothing about jobs."""

from flask import Blueprint

from vidgen_web.api import (
    api_keys,
    artifacts,
    events,
    health,
    jobs,
    line,
    metrics,
    models,
    openapi,
    queue,
    quota,
    uploads,
    webhook_endpoints,
)
from vidgen_web.caller import API


def blueprint(name: str = "api", prefix: str = API) -> Blueprint:
    """All routes under /api/v1, or once more under another name and prefix."""
    api = Blueprint(name, __name__, url_prefix=prefix)
    for module in (jobs, line, queue, events, uploads, artifacts, models, webhook_endpoints, api_keys, quota, openapi):
        api.register_blueprint(module.blueprint)
    return api


__all__ = ["blueprint", "health", "metrics"]

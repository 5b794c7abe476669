"""The HTTP API, one module a resource. Knows requests and answers; decides nothing about jobs."""

from flask import Blueprint

from vidgen_web.answers import API
from vidgen_web.api import artifacts, events, health, jobs, metrics, models, openapi, uploads, webhook_endpoints


def blueprint() -> Blueprint:
    """All routes under /api/v1."""
    api = Blueprint("api", __name__, url_prefix=API)
    for module in (jobs, events, uploads, artifacts, models, webhook_endpoints, openapi):
        api.register_blueprint(module.blueprint)
    return api


__all__ = ["blueprint", "health", "metrics"]

"""The HTTP API, one module a resource. Knows requests and answers; decides nothing about jobs."""

from flask import Blueprint

from vidgen_web.api import (
    api_keys,
    artifacts,
    conditioning,
    events,
    health,
    jobs,
    line,
    loras,
    metrics,
    models,
    openapi,
    prompts,
    queue,
    quota,
    recall,
    sweeps,
    uploads,
    variations,
    webhook_endpoints,
)
from vidgen_web.caller import API

RESOURCES = (
    jobs,
    line,
    variations,
    conditioning,
    sweeps,
    prompts,
    queue,
    events,
    uploads,
    recall,
    artifacts,
    models,
    loras,
    webhook_endpoints,
    api_keys,
    quota,
    openapi,
)


def blueprint(name: str = "api", prefix: str = API) -> Blueprint:
    """All routes under /api/v1, or once more under another name and prefix."""
    api = Blueprint(name, __name__, url_prefix=prefix)
    for module in RESOURCES:
        api.register_blueprint(module.blueprint)
    return api


__all__ = ["blueprint", "health", "metrics"]

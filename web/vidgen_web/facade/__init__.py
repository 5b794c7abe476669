"""`/v1/videos`: the video API of the `openai` SDK over the native job service.

A translation and nothing more: every verb becomes a call that the native API makes too. Its quirks stay in here.
"""

from flask import Blueprint, Response, request

from vidgen_web.facade import errors, videos
from vidgen_web.problems import ProblemError

PREFIX = "/v1"


def blueprint() -> Blueprint:
    """All routes under /v1."""
    facade = Blueprint("facade", __name__, url_prefix=PREFIX)
    facade.register_blueprint(videos.blueprint)
    return facade


def answer_for(problem: ProblemError) -> Response | None:
    """The problem as the SDK reads it, when the request came to this API; else None."""
    return errors.answer(problem) if request.path.startswith(f"{PREFIX}/") else None


__all__ = ["answer_for", "blueprint"]

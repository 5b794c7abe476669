"""ETags of JSON answers: a poller that sends If-None-Match gets 304 and no body while nothing has changed."""

import hashlib

from flask import Flask, Response, request

METHODS = ("GET", "HEAD")
# as WSGI spells the headers that ask whether the tag has changed
CONDITIONS = frozenset({"HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH"})
# the API's own answers; pages hold a form's token and differ each time
BLUEPRINTS = ("api", "portal_api", "facade")


def register(app: Flask) -> None:
    """Tag every whole JSON answer of the API that may be kept."""

    @app.after_request
    def tag(response: Response) -> Response:
        if _is_taggable(response):
            digest, version = hashlib.sha256(response.get_data()).hexdigest()[:32], response.get_etag()[0]
            # a job's tag begins with its version, which is all that the If-Match of an edit asks for
            response.set_etag(f"{version}.{digest}" if version else digest)
            response.headers.setdefault("Cache-Control", "private, no-cache")
            response.vary.add("Authorization")
            if not CONDITIONS.isdisjoint(request.environ):
                response.make_conditional(request)
        return response


def _is_taggable(response: Response) -> bool:
    return (
        request.method in METHODS
        and response.status_code == 200
        and response.mimetype == "application/json"
        and (request.blueprint or "").partition(".")[0] in BLUEPRINTS
        and not response.is_streamed
        # a file, which has the tag of its artifact; under waitress it has a length and counts as no stream
        and not response.direct_passthrough
        and response.headers.get("Cache-Control") != "no-store"
    )

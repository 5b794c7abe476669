"""Holds a running app to its OpenAPI document: a problem that a route answers must be one that it declares."""

from flask import Flask, Response, current_app, request

from vidgen_web.api.openapi import EVERYWHERE, refusals
from vidgen_web.operations import operation_of

# of all routes alike, and told once in docs/api.md
OF_THE_SERVER = {"rate_limited", "csrf", "method_not_allowed"}


class UndeclaredProblems:
    """Notes every problem that its route does not declare; `found` names route and code."""

    def __init__(self, app: Flask) -> None:
        self.found: set[str] = set()
        app.after_request(self._look)

    def _look(self, response: Response) -> Response:
        promise = operation_of(current_app.view_functions[request.endpoint]) if request.endpoint else None
        if promise is not None and response.status_code >= 400 and response.is_json:
            body = response.get_json()
            code = body.get("code") or body.get("error", {}).get("code")
            declared = {*promise.problems, *refusals(promise), *EVERYWHERE, *OF_THE_SERVER}
            if code not in declared:
                self.found.add(f"{request.method} {request.url_rule}: {code}")
        return response

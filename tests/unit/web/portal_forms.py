"""Sends the portal's forms as a browser without scripts does."""

import re

from flask.testing import FlaskClient


def token(client: FlaskClient) -> str:
    """The token of this client's forms."""
    page = client.get("/").get_data(as_text=True)
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def send(client: FlaskClient, path: str = "/jobs", **form: object) -> tuple[int, str]:
    """Status, and where the answer leads or else the page that it is."""
    answer = client.post(path, data={"csrf_token": token(client), **form}, headers={"Accept": "text/html"})
    return answer.status_code, answer.headers.get("Location", answer.get_data(as_text=True))

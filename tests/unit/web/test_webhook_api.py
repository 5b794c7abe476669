"""Receivers of webhooks and their deliveries."""

import pytest
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker

ENDPOINTS = "/api/v1/webhook-endpoints"
URL = {"url": "https://example.org/hook"}


@pytest.fixture
def endpoint(client: FlaskClient) -> dict[str, object]:
    answer = client.post(ENDPOINTS, json=URL)
    assert answer.status_code == 201
    return dict(answer.get_json())


def test_the_secret_is_shown_once(client: FlaskClient, endpoint: dict[str, object]) -> None:
    assert str(endpoint["secret"]).startswith("whsec_")
    assert "secret" not in client.get(f"{ENDPOINTS}/{endpoint['id']}").get_json()
    assert "secret" not in client.get(ENDPOINTS).get_json()["items"][0]
    rotated = client.post(f"{ENDPOINTS}/{endpoint['id']}/rotate-secret").get_json()
    assert rotated["secret"] != endpoint["secret"]


def test_endpoints_change_and_go(client: FlaskClient, endpoint: dict[str, object]) -> None:
    url = f"{ENDPOINTS}/{endpoint['id']}"
    changed = client.patch(url, json={"enabled": False, "events": ["job.failed"]}).get_json()
    assert (changed["enabled"], changed["events"], changed["url"]) == (False, ["job.failed"], URL["url"])
    assert client.patch(url, json={"events": ["job.exploded"]}).get_json()["code"] == "invalid_events"
    assert client.patch(url, json={"colour": "red"}).get_json()["code"] == "invalid_request"
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404


@pytest.mark.parametrize("url", ["gopher://example.org", "https://me:secret@example.org/", "https://", "https://a b/"])
def test_odd_urls_are_refused(client: FlaskClient, url: str) -> None:
    assert client.post(ENDPOINTS, json={"url": url}).status_code == 422


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://2130706433/", "http://[::1]:8080/", "http://localhost/"])
def test_private_receivers_are_refused_when_they_are_registered(
    client: FlaskClient, endpoint: dict[str, object], url: str
) -> None:
    """Fails when `check_url` looks at the URL's shape alone: tried."""
    for answer in (
        client.post(ENDPOINTS, json={"url": url}),
        client.patch(f"{ENDPOINTS}/{endpoint['id']}", json={"url": url}),
        client.post("/api/v1/jobs", json={"prompt": "x", "callback_url": url}),
    ):
        problem = answer.get_json()
        assert (answer.status_code, problem["code"]) == (422, "url_refused")
        assert "VIDGEN_WEBHOOK_ALLOW_PRIVATE" in problem["detail"]


def test_tests_and_events_become_deliveries_that_can_be_resent(
    client: FlaskClient, endpoint: dict[str, object], worker: SimulatedWorker
) -> None:
    test = client.post(f"{ENDPOINTS}/{endpoint['id']}/test")
    assert (test.status_code, test.get_json()["kind"]) == (202, "webhook.test")
    client.post("/api/v1/jobs", json={"prompt": "x", "callback_url": "https://example.org/mine"})
    worker.run()
    own = client.get(f"{ENDPOINTS}/{endpoint['id']}/deliveries").get_json()["items"]
    assert {delivery["kind"] for delivery in own} == {"webhook.test", "job.succeeded"}
    every = client.get("/api/v1/webhook-deliveries?limit=10").get_json()["items"]
    assert {delivery["endpoint_id"] for delivery in every} == {endpoint["id"], None}
    again = client.post(f"/api/v1/webhook-deliveries/{own[0]['id']}/resend")
    assert (again.status_code, again.get_json()["status"]) == (202, "pending")


def test_what_is_missing_is_404(client: FlaskClient) -> None:
    for method, path in [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/test"),
        ("POST", "/rotate-secret"),
        ("GET", "/deliveries"),
    ]:
        answer = client.open(f"{ENDPOINTS}/we_missing{path}", method=method, json={} if method == "PATCH" else None)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    assert client.post("/api/v1/webhook-deliveries/whd_missing/resend").status_code == 404

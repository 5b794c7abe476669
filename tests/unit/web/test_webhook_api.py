"""Receivers of webhooks and their deliveries."""

import pytest
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.webhooks.outbox import Outbox

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


def test_failed_deliveries_are_listed_read_and_recovered(
    client: FlaskClient, endpoint: dict[str, object], plane: ControlPlane
) -> None:
    outbox = Outbox(plane.engine, plane.settings.webhook_secret, lambda artifact_id, _: artifact_id)
    for _ in range(2):
        client.post(f"{ENDPOINTS}/{endpoint['id']}/test")
        parcel = outbox.take()
        assert parcel is not None
        outbox.unanswered(parcel, "no answer: ConnectionResetError", final=True, seconds=0.25)
    own = f"{ENDPOINTS}/{endpoint['id']}/deliveries"
    first = client.get(f"{own}?status=failed&limit=1").get_json()
    (newest,), (oldest,) = first["items"], client.get(f"{own}?cursor={first['next_cursor']}").get_json()["items"]
    assert client.get(f"/api/v1/webhook-deliveries/{newest['id']}").get_json() == newest
    (attempt,) = newest["log"]
    assert (attempt["n"], attempt["seconds"], attempt["status_code"]) == (1, 0.25, None)
    assert attempt["error"] == newest["last_error"] == "no answer: ConnectionResetError"
    assert client.get(f"{ENDPOINTS}/{endpoint['id']}").get_json()["failing_since"] is not None
    recovered = client.post(f"{ENDPOINTS}/{endpoint['id']}/recover", json={"since": newest["created_at"]})
    assert (recovered.status_code, recovered.get_json()) == (202, {"deliveries": 1})
    assert [it["id"] for it in client.get(f"{own}?status=failed").get_json()["items"]] == [oldest["id"]]
    for since in ("yesterday", "2026-01-01T00:00:00"):
        refused = client.post(f"{ENDPOINTS}/{endpoint['id']}/recover", json={"since": since})
        assert refused.get_json()["code"] == "invalid_request"
    assert client.get(f"{own}?status=lost").get_json()["code"] == "invalid_request"
    assert client.get(f"{own}?cursor=x").get_json()["code"] == "invalid_cursor"
    assert client.get("/api/v1/webhook-deliveries/whd_missing").status_code == 404
    assert client.post(f"{ENDPOINTS}/we_missing/recover", json={"since": newest["created_at"]}).status_code == 404

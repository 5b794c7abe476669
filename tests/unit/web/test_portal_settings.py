"""The settings pages, as forms without scripts."""

import re

from flask.testing import FlaskClient

from tests.receiver import receiver
from tests.simulated_worker import SimulatedWorker
from tests.unit.web.portal_forms import send
from vidgen.jobs.database.session import writing
from vidgen.jobs.database.tables import EndpointRow
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.webhooks.outbox import Outbox
from vidgen_workers.dispatcher import Dispatcher

URL = "https://example.org/hook"
EVENTS = {"events": ["job.succeeded", "job.failed"]}


def test_a_key_is_made_shown_once_and_revoked(client: FlaskClient, plane: ControlPlane) -> None:
    form = {"name": "farm <b>", "scopes": ["jobs:read", "uploads"], "expires_in_days": "30"}
    status, page = send(client, "/settings/keys", **form)
    assert status == 201
    shown = re.search(r'id="secret">(vg_\w{12}_[\w-]{43})<', page)
    assert shown
    key = plane.keys.recognise(shown[1])
    assert (key.name, key.scopes, key.expires_at is not None) == ("farm <b>", ("jobs:read", "uploads"), True)
    listed = client.get("/settings/keys").get_data(as_text=True)
    assert shown[1] not in listed
    assert "farm &lt;b&gt;" in listed
    assert send(client, f"/settings/keys/{key.id}/revoke") == (303, "/settings/keys")
    revoked = plane.keys.get(key.id)
    assert revoked
    assert revoked.revoked_at is not None
    assert "revoked" in client.get("/settings/keys").get_data(as_text=True)


def test_a_key_without_scopes_is_refused_beside_the_choice(client: FlaskClient, plane: ControlPlane) -> None:
    status, page = send(client, "/settings/keys", name="kept")
    assert status == 422
    assert 'id="scopes-error"' in page
    assert 'value="kept"' in page
    assert plane.keys.list().items == ()


def test_a_receiver_is_added_changed_switched_rotated_and_removed(client: FlaskClient, plane: ControlPlane) -> None:
    status, page = send(client, "/settings/webhooks", url=URL, description="farm", **EVENTS)
    assert status == 201
    secret = re.search(r'id="secret">(whsec_[^<]+)<', page)
    assert secret
    (hook,) = plane.endpoints.list().items
    assert hook.events == ("job.succeeded", "job.failed")
    path = f"/settings/webhooks/{hook.id}"
    assert secret[1] not in client.get(path).get_data(as_text=True)
    assert send(client, f"{path}/change", url=f"{URL}/2", description="", events=["job.failed"]) == (303, path)
    assert send(client, f"{path}/switch", enabled="0") == (303, path)
    changed = plane.endpoints.get(hook.id)
    assert changed
    assert (changed.url, changed.events, changed.enabled) == (f"{URL}/2", ("job.failed",), False)
    status, page = send(client, f"{path}/rotate")
    assert status == 201
    assert "whsec_" in page
    assert secret[1] not in page
    assert send(client, f"{path}/delete") == (303, "/settings/webhooks")
    assert plane.endpoints.list().items == ()


def test_a_bad_receiver_is_refused_beside_the_field(client: FlaskClient, plane: ControlPlane) -> None:
    for url in ("ftp://example.org", "http://127.0.0.1/hook"):
        status, page = send(client, "/settings/webhooks", url=url, **EVENTS)
        assert status == 422
        assert 'id="url-error"' in page
        assert f'value="{url}"' in page
    assert plane.endpoints.list().items == ()


def test_failed_deliveries_are_seen_resent_and_recovered(client: FlaskClient, plane: ControlPlane) -> None:
    """Against a receiver that is gone for a while. Fails when the resend button sends another delivery: tried."""
    outbox = Outbox(plane.engine, plane.settings.webhook_secret, lambda artifact_id, _: f"http://x/{artifact_id}")
    dispatcher = Dispatcher(outbox, ("127.0.0.1",))
    with receiver(410, 200) as there:
        with writing(plane.engine) as session:
            row = EndpointRow(
                id="we_1", url=there.url, description="", events=["job.failed"], created_at=1.0, enabled=True
            )
            session.add(row)
        assert send(client, "/settings/webhooks/we_1/test") == (303, "/settings/webhooks/we_1")
        assert dispatcher.deliver_one()
        page = client.get("/settings/webhooks/we_1?status=failed").get_data(as_text=True)
        assert "HTTP 410" in page
        assert "answered that it is gone" in page
        # whoever looks at the studio is told
        assert "switched off and hears of nothing" in client.get("/").get_data(as_text=True)
        send(client, "/settings/webhooks/we_1/switch", enabled="1")
        assert "hears of nothing" not in client.get("/").get_data(as_text=True)
        resend = re.search(r'action="(/settings/deliveries/[\w-]+/resend)"', page)
        assert resend
        assert send(client, resend[1]) == (303, "/settings/webhooks/we_1#log")
        assert dispatcher.deliver_one()
        assert len(there.received) == 2
        assert there.received[0].headers["webhook-id"] == there.received[1].headers["webhook-id"]
        assert "delivered" in client.get("/settings/deliveries?status=delivered").get_data(as_text=True)
        assert send(client, "/settings/webhooks/we_1/recover", hours="24") == (303, "/settings/webhooks/we_1")


def test_usage_tells_quota_and_machine_time(client: FlaskClient, worker: SimulatedWorker) -> None:
    assert "Nothing ran yet" in client.get("/settings/usage").get_data(as_text=True)
    send(client, prompt="a cat")
    worker.run()
    page = client.get("/settings/usage").get_data(as_text=True)
    assert re.search(r"<tfoot>.*?>1</td>", page, re.S)
    assert "Waiting clips" in page


def test_settings_need_a_form_of_this_portal(client: FlaskClient, plane: ControlPlane) -> None:
    for path in ("/settings/keys", "/settings/webhooks", "/queue/pause", "/language"):
        assert client.post(path, data={"name": "x", "url": URL}).get_json()["code"] == "csrf"
    assert plane.keys.list().items == ()

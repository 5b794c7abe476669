"""The portal of a service that asks for keys: sign in, sign out, and nothing of other tenants."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from tests.security.conftest import Person
from tests.simulated_worker import SimulatedWorker
from vidgen.jobs.database.session import reading, writing
from vidgen.jobs.database.tables import EndedSessionRow
from vidgen.jobs.service import ControlPlane
from vidgen_web import sessions

FORM = {"csrf_token": ""}
PAGE = {"Accept": "text/html"}


def token(client: FlaskClient, path: str = "/sign-in") -> str:
    page = client.get(path, headers=PAGE).get_data(as_text=True)
    return page.split('name="csrf_token" value="')[1].split('"')[0]


def signed_in(app: Flask, key: str | None) -> FlaskClient:
    client = app.test_client()
    answer = client.post("/sign-in", data={"csrf_token": token(client), "key": key, "next": "/docs"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/docs")
    return client


def test_without_a_session_pages_lead_to_sign_in(app: Flask, anna: Person) -> None:
    """Fails when whoever has no session counts as this machine's user: tried."""
    client = app.test_client()
    answer = client.get("/?mode=image", headers=PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=/?mode%3Dimage")
    assert client.get("/portal/api/jobs").status_code == 401
    # the portal knows cookies only: a key in a header makes no session
    assert anna("GET", "/", headers=PAGE).status_code == 303


def test_a_wrong_key_is_told_and_opens_nothing(app: Flask, anna: Person) -> None:
    """Fails when the form does not say what is wrong: tried."""
    client = app.test_client()
    answer = client.post("/sign-in", data={"csrf_token": token(client), "key": f"{anna.key}x"})
    assert answer.status_code == 401
    assert "not known here" in answer.get_data(as_text=True)
    assert str(anna.key) not in answer.get_data(as_text=True)
    assert client.get("/portal/api/jobs").status_code == 401


def test_signing_in_needs_a_form_of_this_portal(app: Flask, anna: Person) -> None:
    """Fails when neither way checks the form's token: tried."""
    assert app.test_client().post("/sign-in", data={"key": anna.key}).get_json()["code"] == "csrf"
    assert signed_in(app, anna.key).post("/sign-out").get_json()["code"] == "csrf"


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "/\\\\e", "x", "/\t/e", ""]
)
def test_signing_in_leads_to_no_other_site(app: Flask, anna: Person, target: str) -> None:
    """Fails when any address is followed: tried."""
    client = app.test_client()
    answer = client.post("/sign-in", data={"csrf_token": token(client), "key": anna.key, "next": target})
    assert answer.headers["Location"] == "/"


def test_the_cookie_is_kept_from_scripts_and_other_sites_and_does_not_hold_the_key(app: Flask, anna: Person) -> None:
    """Fails without HttpOnly: tried."""
    client = app.test_client()
    answer = client.post("/sign-in", data={"csrf_token": token(client), "key": anna.key})
    (cookie,) = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith(sessions.COOKIE)]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert str(anna.key).split("_", 2)[2] not in cookie


def test_two_tenants_see_only_their_own(app: Flask, anna: Person, bert: Person, worker: SimulatedWorker) -> None:
    """Fails when pages use repositories that are bound to no tenant: tried."""
    theirs = anna("POST", "/api/v1/jobs", json={"prompt": "annas secret rocket"}).get_json()["id"]
    worker.run()
    mine, others = signed_in(app, anna.key), signed_in(app, bert.key)
    assert "annas secret rocket" in mine.get("/").get_data(as_text=True)
    assert "/portal/api/artifacts/" in mine.get("/").get_data(as_text=True)
    for path in ("/", f"/?job={theirs}", f"/?reuse={theirs}"):
        page = others.get(path)
        assert page.status_code == 200
        assert "annas secret rocket" not in page.get_data(as_text=True)
    assert others.get(f"/jobs/{theirs}").status_code == 404
    form = {"csrf_token": token(others, "/"), "chunk": "0"}
    for verb in ("cancel", "retry", "delete", "edit", "move", "stop", "extend", "retake"):
        assert others.post(f"/jobs/{theirs}/{verb}", data=form).status_code == 404
    for verb in ("star", "project"):
        assert others.post(f"/gallery/{theirs}/{verb}", data={**form, "project": "x"}).status_code == 404
    own = {"csrf_token": token(mine, "/"), "project": "annas project"}
    assert mine.post(f"/gallery/{theirs}/project", data=own).status_code == 303
    assert "annas project" in mine.get("/?q=rocket").get_data(as_text=True)
    for query in ("q=rocket", "project=annas+project"):
        page = others.get(f"/?{query}").get_data(as_text=True)
        assert f"card-{theirs}" not in page
        assert '<option value="annas project"' not in page
    assert mine.get(f"/jobs/{theirs}").status_code == 200
    artifact = mine.get(f"/portal/api/jobs/{theirs}").get_json()["artifacts"][0]["url"]
    assert mine.get(artifact, buffered=True).status_code == 200
    assert others.get(artifact).status_code == 404


def test_settings_show_and_change_only_ones_own(app: Flask, anna: Person, bert: Person, plane: ControlPlane) -> None:
    """Fails when a settings page uses repositories that are bound to no tenant: tried."""
    hook = anna("POST", "/api/v1/webhook-endpoints", json={"url": "https://annas.example.org/"}).get_json()["id"]
    delivery = anna("POST", f"/api/v1/webhook-endpoints/{hook}/test").get_json()["id"]
    mine, others = signed_in(app, anna.key), signed_in(app, bert.key)
    assert "annas.example.org" in mine.get("/settings/webhooks").get_data(as_text=True)
    for path in ("/settings/webhooks", "/settings/deliveries", "/settings/keys", "/settings/usage"):
        page = others.get(path)
        assert page.status_code == 200
        assert "annas.example.org" not in page.get_data(as_text=True)
        assert str(anna.key).split("_")[1] not in page.get_data(as_text=True)
    form = {"csrf_token": token(others, "/")}
    assert others.get(f"/settings/webhooks/{hook}").status_code == 404
    for verb in ("change", "switch", "test", "rotate", "recover", "delete"):
        told = {**form, "url": "https://example.org/", "events": "job.failed"}
        assert others.post(f"/settings/webhooks/{hook}/{verb}", data=told).status_code == 404
    assert others.post(f"/settings/deliveries/{delivery}/resend", data=form).status_code == 404
    assert others.post(f"/settings/keys/{str(anna.key).split('_')[1]}/revoke", data=form).status_code == 404
    # the queue is everybody's: a tenant's administrator is not its operator
    assert others.post("/queue/pause", data=form).status_code == 403
    assert not plane.switch.state().paused


def test_a_narrow_key_sees_no_settings_beyond_its_scopes(app: Flask, plane: ControlPlane) -> None:
    """Fails when routes do not look at scopes: tried."""
    client = signed_in(app, plane.keys.of("anna").create("", ["jobs:read"]).key)
    assert client.get("/settings/usage").status_code == 200
    for path in ("/settings/keys", "/settings/webhooks", "/settings/deliveries"):
        assert client.get(path).status_code == 403
    page = client.get("/settings/usage").get_data(as_text=True)
    assert "/settings/keys" not in page
    assert "/settings/webhooks" not in page


def test_cookies_count_for_nothing_on_the_api(app: Flask, anna: Person) -> None:
    """Fails when `_api_caller` looks at the session: tried."""
    client = signed_in(app, anna.key)
    assert client.get("/portal/api/jobs").status_code == 200
    assert client.get("/api/v1/jobs").get_json()["code"] == "unauthorized"


def test_the_portals_scripts_prove_that_they_are(app: Flask, anna: Person) -> None:
    """Fails when the header's token is not compared: tried."""
    client = signed_in(app, anna.key)
    refused = client.post("/portal/api/jobs", json={"prompt": "x"})
    assert (refused.status_code, refused.get_json()["code"]) == (403, "csrf")
    page = client.get("/").get_data(as_text=True)
    header = {"X-CSRF-Token": page.split('data-token="')[1].split('"')[0]}
    made = client.post("/portal/api/jobs", json={"prompt": "x"}, headers=header)
    assert made.status_code == 202
    assert made.headers["Location"].startswith("/portal/api/jobs/")


def test_signing_out_and_revoking_end_the_session(app: Flask, anna: Person, plane: ControlPlane) -> None:
    """Fails when a session outlives its key: tried."""
    first, second = signed_in(app, anna.key), signed_in(app, anna.key)
    first.post("/sign-out", data={"csrf_token": token(first)})
    assert first.get("/portal/api/jobs").status_code == 401
    assert second.get("/portal/api/jobs").status_code == 200
    plane.keys.revoke(str(anna.key).split("_")[1])
    assert second.get("/portal/api/jobs").status_code == 401


def test_a_session_of_a_narrow_key_stays_narrow(app: Flask, plane: ControlPlane) -> None:
    """Fails when a key's scopes are not those of its session: tried with `admin` for all."""
    client = signed_in(app, plane.keys.of("anna").create("", ["jobs:read"]).key)
    assert client.get("/").status_code == 200
    form = {"csrf_token": token(client, "/"), "prompt": "x"}
    assert client.post("/jobs", data=form).get_json()["code"] == "missing_scope"


def test_every_part_of_the_cookie_is_signed() -> None:
    """Fails when the signature leaves out the end: tried."""
    cookie = sessions.make("secret", "abc", now=1000)
    session = sessions.read("secret", cookie, now=1001)
    assert session is not None
    assert session.key_id == "abc"
    assert sessions.read("secret", cookie, now=1000 + sessions.LIFETIME_SECONDS) is None
    assert sessions.read("other", cookie, now=1001) is None
    name, end, number, signature = cookie.split(".")
    for forged in (
        f"abd.{end}.{number}.{signature}",
        f"{name}.{int(end) + 1}.{number}.{signature}",
        f"{name}.0{end}.{number}.{signature}",
        f"{name}.{end}.{number}0.{signature}",
        f"{name}.{end}.{number}.{signature[:-1]}",
        f"{name}.{end}.{signature}",
        name,
        "",
    ):
        assert sessions.read("secret", forged, now=1001) is None
    for n in range(len(cookie)):
        changed = cookie[:n] + ("0" if cookie[n] != "0" else "1") + cookie[n + 1 :]
        assert sessions.read("secret", changed, now=1001) is None


def test_a_copy_of_the_cookie_ends_with_the_session(app: Flask, anna: Person, plane: ControlPlane) -> None:
    """Fails when signing out takes the cookie from the browser alone: tried."""
    client, thief = signed_in(app, anna.key), app.test_client()
    cookie = client.get_cookie(sessions.COOKIE)
    assert cookie is not None
    thief.set_cookie(sessions.COOKIE, cookie.value)
    assert thief.get("/portal/api/jobs").status_code == 200
    client.post("/sign-out", data={"csrf_token": token(client)})
    assert thief.get("/portal/api/jobs").status_code == 401
    plane.keys.forget_sessions()
    assert thief.get("/portal/api/jobs").status_code == 401, "forgotten before its cookie has expired"
    with writing(plane.engine) as session:
        session.execute(update(EndedSessionRow).values(expires_at=0.0))
    plane.keys.forget_sessions()
    with reading(plane.engine) as session:
        assert session.scalars(select(EndedSessionRow)).all() == []


def test_signing_out_closes_the_sessions_event_streams(
    app: Flask, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when a stream looks at its key alone: tried."""
    monkeypatch.setattr("vidgen_web.api.events.KEY_CHECK_SECONDS", 0.0)
    monkeypatch.setattr("vidgen_web.api.events.POLL_SECONDS", 0.01)
    mine, other = signed_in(app, anna.key), signed_in(app, anna.key)
    streams = [client.get("/portal/api/events", buffered=False) for client in (mine, other)]
    heard = [iter(stream.response) for stream in streams]
    for stream in heard:
        assert b"retry" in next(stream)
        assert b"snapshot" in next(stream)
    mine.post("/sign-out", data={"csrf_token": token(mine)})
    assert list(heard[0]) == []
    anna("POST", "/api/v1/jobs", json={"prompt": "x"})
    assert b"job.queued" in next(heard[1])
    for stream in streams:
        stream.close()

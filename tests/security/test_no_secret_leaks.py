"""Promise 20: no secret reaches a log, the database, an artifact or an error's body.

A real web process and a real worker are driven through everything that works and much that fails, with a canary in
every place where a secret can stand. Then all that they left behind is searched for every canary, as it is and encoded.
"""

import base64
import gzip
import json
import sqlite3
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.faults.fleet import Fleet, fleet
from tests.faults.worker_process import wait_until
from tests.jobs_fixtures import control_plane
from tests.receiver import Receiver, receiver
from vidgen.jobs.service import ControlPlane

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ENDED = ("succeeded", "failed", "cancelled")
SIGNING = base64.b64encode(b"canary-webhook-secret-32-bytes..").decode()
SETTINGS = {
    "VIDGEN_SECRET_KEY": "canary-secret-key-0123456789abcdef",
    "VIDGEN_WEBHOOK_SECRET": f"whsec_{SIGNING}",
    # nobody listens there, so that every poke fails and is logged
    "VIDGEN_BROKER_URL": "redis://canary-broker-user:canary-broker-password@127.0.0.1:9/0",
}
PROMPT, URL_TOKEN = "canary prompt of a person", "canary-url-token"
# an id that is asked for comes back to whoever asks; other people read the logs
IN_PATH = "canary-in-a-path"
HEADERS = {
    "Cookie": "session=canary-cookie",
    "X-Api-Key": "canary-foreign-key",
    "Proxy-Authorization": "Basic canary-proxy",
    "User-Agent": "canary-agent",
    "Referer": "http://127.0.0.1/?canary-referer",
}
OF_SETTINGS = ("canary-secret-key-0123456789abcdef", SIGNING, "canary-broker-user", "canary-broker-password")
OF_HEADERS = ("canary-cookie", "canary-foreign-key", "canary-proxy", "canary-agent", "canary-referer")
REFUSED_KEY = "vg_canary00_" + "canary-key-that-nobody-made-0123456789abcde"[:43]


@dataclass
class Client:
    """Speaks to the service and keeps the bodies of all refusals."""

    base: str
    key: str
    refusals: list[bytes] = field(default_factory=list)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        sent = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **HEADERS, **headers}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                raw, status = answer.read(), answer.status
        except urllib.error.HTTPError as error:
            raw, status = error.read(), error.code
            self.refusals.append(raw)
        return status, json.loads(raw) if raw.startswith(b"{") else raw

    def job(self, prompt: str, **more: Any) -> str:
        status, job = self("POST", "/api/v1/jobs", {"prompt": prompt, **more})
        assert status == 202, job
        return str(job["id"])

    def end_of(self, job_id: str) -> str:
        path = f"/api/v1/jobs/{job_id}"
        wait_until(lambda: self("GET", path)[1]["status"] in ENDED, 60, f"the end of {job_id}")
        return str(self("GET", path)[1]["status"])


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    with control_plane(tmp_path, auth="keys") as opened:
        yield opened


def spellings(secret: str) -> Iterable[bytes]:
    """How a secret may look where it does not belong."""
    raw = secret.encode()
    yield raw
    yield urllib.parse.quote(secret, safe="").encode()
    yield raw.hex().encode()
    # without the last group, which depends on what follows; the two other offsets of base64 cannot be told apart here
    yield base64.b64encode(raw)[: len(raw) // 3 * 4]


def searched(places: dict[str, bytes], secrets: Iterable[str]) -> list[str]:
    return [
        f"{secret} in {place}"
        for secret in secrets
        for place, content in places.items()
        for spelling in spellings(secret)
        if spelling in content
    ]


def what_lies_in(folder: Path) -> dict[str, bytes]:
    """Every file, also within compressed ones; the first key's own file is where that key belongs."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found |= {f"{name} (unpacked)": gzip.decompress(raw) for name, raw in found.items() if raw.startswith(b"\x1f\x8b")}
    return {name: raw for name, raw in found.items() if name != "api_key"}


def drive_what_works(client: Client, hooks: Receiver) -> list[str]:
    """Jobs, receivers, rotation, deliveries; returns the secrets that the service gave away on the way."""
    status, endpoint = client("POST", "/api/v1/webhook-endpoints", {"url": f"{hooks.url}?token={URL_TOKEN}"})
    assert status == 201, endpoint
    status, rotated = client("POST", f"/api/v1/webhook-endpoints/{endpoint['id']}/rotate-secret")
    assert status == 200, rotated
    done = client.job(f"quick {PROMPT}", callback_url=f"{hooks.url}?token={URL_TOKEN}")
    assert client.end_of(done) == "succeeded"
    wait_until(lambda: len(hooks.received) >= 2, 30, "the webhooks")
    signatures = [urllib.parse.parse_qs(urllib.parse.urlsplit(url).query) for url in urls_in(hooks)]
    links = [link["signature"][0] for link in signatures if "signature" in link]
    assert links, "a webhook holds signed links"
    assert client("GET", urllib.parse.urlsplit(urls_in(hooks)[0])._replace(scheme="", netloc="").geturl())[0] == 200
    secrets = [secret.removeprefix("whsec_") for secret in (endpoint["secret"], rotated["secret"])]
    return [client.key, client.key.split("_", 2)[2], *secrets, *links]


def urls_in(hooks: Receiver) -> list[str]:
    return [
        word
        for received in hooks.received
        for word in received.body.decode().replace('"', " ").split()
        if word.startswith("http") and "signature=" in word
    ]


def drive_what_fails(client: Client, hooks: Receiver) -> None:
    """Refusals, failing renders, a dying runner, receivers that fail."""
    hooks.answers[:] = [(500, {})]
    assert client.end_of(client.job(f"buggy {PROMPT}")) == "failed"
    assert client.end_of(client.job(f"suicidal {PROMPT}")) == "failed"
    assert client.end_of(client.job(f"memory {PROMPT}")) == "failed"
    with_user = f"http://canary-userinfo:canary-userinfo@127.0.0.1/?token={URL_TOKEN}"
    refused = (
        ("POST", "/api/v1/jobs", {"prompt": PROMPT, "callback_url": with_user}, {}),
        ("POST", "/api/v1/jobs", {"prompt": PROMPT, "num_frames": PROMPT, "secret": URL_TOKEN}, {}),
        ("POST", "/api/v1/jobs", b'{"prompt": "canary prompt of a person', {}),
        ("POST", "/api/v1/webhook-endpoints", {"url": with_user}, {}),
        ("GET", f"/api/v1/jobs/{IN_PATH}?token={URL_TOKEN}", None, {}),
        ("GET", f"/{IN_PATH}", None, {}),
        ("GET", f"/api/v1/artifacts/art_x?signature={URL_TOKEN}&expires=1", None, {}),
        ("GET", "/api/v1/jobs", None, {"Authorization": f"Bearer {REFUSED_KEY}"}),
        ("GET", "/api/v1/jobs", None, {"Authorization": f"Basic {URL_TOKEN}"}),
    )
    for method, path, body, headers in refused:
        assert client(method, path, body, **headers)[0] >= 400, path


def break_the_database(client: Client, folder: Path) -> None:
    with sqlite3.connect(folder / "vidgen.db", timeout=30) as connection:
        # the statement that fails holds the prompt and the address among its parameters
        connection.execute("CREATE TRIGGER broken BEFORE INSERT ON jobs BEGIN SELECT RAISE(ABORT, 'broken'); END")
    connection.close()
    status, _ = client("POST", "/api/v1/jobs", {"prompt": PROMPT, "callback_url": f"http://a.example/?{URL_TOKEN}"})
    assert status == 500


def run(plane: ControlPlane, members: Fleet, hooks: Receiver, **settings: str) -> tuple[Client, list[str]]:
    members.web(**SETTINGS, **settings)
    members.worker(**SETTINGS, **settings)
    client = Client(members.base, plane.keys.of("local", "test").create("test", ["admin"]).key)
    wait_until(lambda: members.logged("vidgen is at") > 0, 60, "the web process")
    secrets = drive_what_works(client, hooks)
    drive_what_fails(client, hooks)
    break_the_database(client, plane.settings.data_dir)
    for member in members.members:
        member.terminate()
    return client, secrets


def test_no_secret_is_left_anywhere(plane: ControlPlane, tmp_path: Path) -> None:
    """Fails when engines are made without hide_parameters, when a request's path is logged, when the key itself is
    stored in place of its hash, and when a refusal quotes what was sent: each tried.
    """
    with receiver() as hooks, fleet(plane) as members:
        client, given_away = run(plane, members, hooks)
        logs = {member.log.name: member.log.read_bytes() for member in members.members}
        failures = members.logged("poke lost") + members.logged("heartbeat failed")
        assert failures > 0, "the broker's failures were logged"
        for event in ('"event": "render failed"', '"event": "unexpected failure"', '"event": "webhook answered"'):
            assert members.logged(event) > 0, event
    secrets = {*OF_SETTINGS, *OF_HEADERS, *given_away, REFUSED_KEY, "canary-userinfo", "canary-key-that-nobody"}
    left = what_lies_in(tmp_path)
    assert {"vidgen.db", "web.log", "worker-0.log"} <= left.keys()
    assert any(name.startswith("store/artifacts/") for name in left)
    assert searched(left, secrets) == []
    bodies = {f"refusal {n}": body for n, body in enumerate(client.refusals)}
    assert len(bodies) >= 10
    assert searched(bodies, {*secrets, URL_TOKEN, PROMPT}) == []
    # a prompt and a receiver's address are the job's own and stand in its row, but in no log
    assert searched(logs, {PROMPT, URL_TOKEN, IN_PATH}) == []


def test_prompts_are_logged_only_where_the_operator_says_so(plane: ControlPlane) -> None:
    """The other half, that they are not logged unasked, is above. Fails when none is ever logged: tried."""
    with fleet(plane) as members:
        members.web(**SETTINGS, VIDGEN_LOG_PROMPTS="true")
        client = Client(members.base, plane.keys.of("local", "test").create("test", ["admin"]).key)
        wait_until(lambda: members.logged("vidgen is at") > 0, 60, "the web process")
        client.job(PROMPT)
        wait_until(lambda: members.logged(PROMPT) > 0, 10, "the line")
        logs = {member.log.name: member.log.read_bytes() for member in members.members}
    assert searched(logs, {*OF_SETTINGS, *OF_HEADERS, client.key}) == []

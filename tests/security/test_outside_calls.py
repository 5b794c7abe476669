"""Slow hosts hold their share of the web process, and everybody else is answered."""

import io
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from flask import Flask

from tests.faults.worker_process import wait_until
from tests.jobs_fixtures import control_plane
from tests.security.conftest import Person
from tests.serving import served
from tests.unit.web.videos_client import PNG
from vidgen.jobs.service import ControlPlane
from vidgen_web import programs
from vidgen_web.services import CALLS_AT_ONCE, EXTENSION, SERVER_THREADS, Services

API = "/api/v1"
HOOK = "https://93.184.216.34/hook"
AT_ONCE_SECONDS = 8.0


@dataclass
class SilentHost:
    """Takes connections and never says a word."""

    url: str
    called: list[socket.socket] = field(default_factory=list)


@contextmanager
def silent_host() -> Iterator[SilentHost]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening, ExitStack() as held:
        host = SilentHost(f"http://127.0.0.1:{listening.getsockname()[1]}/a.png")

        def accept() -> None:
            while True:
                try:
                    host.called.append(held.enter_context(listening.accept()[0]))
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield host
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def asked(url: str, body: bytes | None = None) -> int:
    """The status; 0 where no answer came at once."""
    try:
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(url, body, headers), timeout=AT_ONCE_SECONDS) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except TimeoutError:
        return 0


def test_slow_hosts_leave_threads_to_everybody_else(tmp_path: Path) -> None:
    """More requests than there are threads name a host that never answers.

    Fails when `call_outside` lets everybody in: tried, as it was before there was one; /healthz did not answer."""
    with (
        control_plane(tmp_path, fetch_allow_private=("127.0.0.0/8",)) as plane,
        served(plane.settings) as base,
        ThreadPoolExecutor(SERVER_THREADS + CALLS_AT_ONCE) as pool,
    ):
        with silent_host() as host:
            body = f'{{"prompt": "a cat", "input_reference": {{"image_url": "{host.url}"}}}}'.encode()
            slow = [pool.submit(asked, f"{base}/v1/videos", body) for _ in range(SERVER_THREADS + CALLS_AT_ONCE)]
            wait_until(lambda: len(host.called) >= CALLS_AT_ONCE, what="the calls")
            assert [asked(f"{base}{path}") for path in ("/healthz", f"{API}/jobs")] == [200, 200]
            wait_until(lambda: sum(map(Future.done, slow)) >= SERVER_THREADS, what="the refusals")
        answers = sorted(one.result() for one in slow)
    assert len(host.called) == CALLS_AT_ONCE
    assert answers == [400] * CALLS_AT_ONCE + [503] * SERVER_THREADS, "the host has gone at last"


def services_of(app: Flask) -> Services:
    found = app.extensions[EXTENSION]
    assert isinstance(found, Services)
    return found


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    enhancer = "http://127.0.0.1:9/v1"
    with control_plane(tmp_path, auth="keys", max_upload_mb=1, enhancer_url=enhancer) as opened:
        yield opened


CALLS: dict[str, Any] = {
    f"{API}/jobs": {"prompt": "a cat", "callback_url": HOOK},
    "/v1/videos": {"prompt": "a cat", "input_reference": {"image_url": HOOK}},
    f"{API}/webhook-endpoints": {"url": HOOK},
    f"{API}/prompts/enhance": {"prompt": "a cat"},
}


def test_every_call_outside_needs_a_place_and_no_tenant_has_all(app: Flask, anna: Person, bert: Person) -> None:
    """Fails when one of the routes calls without `call_outside`, and when a tenant may take whatever is free: tried."""
    calls = services_of(app).calls
    endpoint = anna("POST", f"{API}/webhook-endpoints", json={"url": HOOK}).get_json()["id"]
    while calls.take("anna"):
        pass
    asks = [("POST", path, body) for path, body in CALLS.items()]
    for method, path, body in [*asks, ("PATCH", f"{API}/webhook-endpoints/{endpoint}", {"url": HOOK})]:
        refused = anna(method, path, json=body)
        assert refused.status_code == 503, path
        assert "too_many_calls" in refused.get_data(as_text=True)
        assert int(refused.headers["Retry-After"]) > 0
    assert anna("PATCH", f"{API}/webhook-endpoints/{endpoint}", json={"enabled": False}).status_code == 200
    assert anna("POST", f"{API}/jobs", json={"prompt": "a cat"}).status_code == 202
    assert bert("POST", f"{API}/jobs", json=CALLS[f"{API}/jobs"]).status_code == 202
    for _ in range(CALLS_AT_ONCE // 2):
        calls.give_back("anna")
    assert anna("POST", f"{API}/jobs", json=CALLS[f"{API}/jobs"]).status_code == 202


def test_a_call_waits_a_moment_for_its_place(app: Flask) -> None:
    """Calls that take milliseconds are not refused for coming together. Fails when `take` does not wait: tried."""
    calls = services_of(app).calls
    while calls.take("anna"):
        pass
    threading.Timer(0.05, calls.give_back, ("anna",)).start()
    assert calls.take("anna", 60.0)


def test_few_uploads_wait_for_their_turn(app: Flask, anna: Person, bert: Person) -> None:
    """Fails when whoever uploads finds a place, as it was before: tried."""
    files, turns = services_of(app).files, services_of(app).ingests
    while files.take("anna"):
        pass
    started = time.monotonic()
    refused = anna("POST", f"{API}/uploads", data={"file": (io.BytesIO(PNG), "a.png")})
    assert (refused.status_code, refused.get_json()["code"]) == (503, "too_many_uploads")
    assert turns.acquire(blocking=False), "it did not come as far as that"
    turns.release()
    assert time.monotonic() - started < programs.WAIT_SECONDS
    assert bert("POST", f"{API}/uploads", data={"file": (io.BytesIO(PNG), "a.png")}).status_code == 201

import os
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.receiver import receiver
from vidgen.jobs.outbound.addresses import AddressRefused
from vidgen.jobs.webhooks.sender import SendFailed, post

ALLOW = ("127.0.0.1/32",)


def test_the_body_and_headers_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    with receiver(204) as to:
        assert post(to.url + "?a=b", {"webhook-id": "evt_1"}, b"{}", allow=ALLOW).status == 204
    (got,) = to.received
    assert (got.path, got.body, got.headers["webhook-id"]) == ("/hook?a=b", b"{}", "evt_1")
    assert got.headers["host"] == to.url.split("/")[2]


def test_the_checked_address_is_used_and_the_name_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *arguments: Any, **named: Any) -> list[Any]:
        calls.append(host)
        return real("127.0.0.1", *arguments, **named)

    with receiver() as to:
        port = to.url.split(":")[2].split("/")[0]
        with monkeypatch.context() as patch:
            patch.setattr(socket, "getaddrinfo", getaddrinfo)
            post(f"http://hooks.example:{port}/hook", {}, b"", allow=ALLOW)
    # the second time is the socket's own, which is given the address and no name
    assert calls == ["hooks.example", "127.0.0.1"]
    assert to.received[0].headers["host"] == f"hooks.example:{port}"


def test_loopback_is_refused_without_the_operators_word() -> None:
    with receiver() as to, pytest.raises(AddressRefused):
        post(to.url, {}, b"")
    assert to.received == []


@pytest.mark.parametrize(
    ("status", "header", "low", "high"),
    [
        (503, "120", 120, 120),
        (429, "99999999", 86400, 86400),
        (503, "Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        (503, "Fri, 31 Dec 9999 23:59:59 GMT", 86400, 86400),
    ],
)
def test_retry_after_is_read_and_bounded(status: int, header: str, low: float, high: float) -> None:
    with receiver(status, Retry_After=header) as to:
        answer = post(to.url, {}, b"", allow=ALLOW)
    assert answer.retry_after is not None
    assert low <= answer.retry_after <= high


ENDLESS_ZONE = "Mon, 01 Jan 2020 00:00:00 +99999999999999"


@pytest.mark.parametrize(
    ("status", "header"), [(500, "120"), (503, "soon"), (503, "-1"), (503, "Wed, 99 Foo"), (503, ENDLESS_ZONE)]
)
def test_other_retry_after_is_ignored(status: int, header: str) -> None:
    with receiver(status, Retry_After=header) as to:
        assert post(to.url, {}, b"", allow=ALLOW).retry_after is None


@pytest.mark.parametrize("part", ["body", "headers", "interim answers"])
def test_a_long_answer_fails(part: str) -> None:
    """Fails when only the body is counted: tried by giving http.client the plain socket."""

    def act(handler: BaseHTTPRequestHandler) -> None:
        if part == "interim answers":
            handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 3_000)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        if part == "headers":
            handler.wfile.write(b"".join(b"X-%d: %b\r\n" % (n, b"x" * 9_000) for n in range(8)))
        handler.wfile.write(b"\r\n" + b"x" * (70_000 if part == "body" else 10))

    with receiver() as to:
        to.act = act
        with pytest.raises(SendFailed, match="65536"):
            post(to.url, {}, b"", allow=ALLOW)


def test_a_slow_name_server_does_not_outlast_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when the lookup is done in place: tried."""
    release = threading.Event()

    def getaddrinfo(*_: object, **__: object) -> list[Any]:
        release.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    started = time.monotonic()
    with pytest.raises(AddressRefused) as caught:
        post("http://slow.example/", {}, b"", seconds=0.3)
    release.set()
    assert caught.value.retryable
    assert time.monotonic() - started < 20


def test_a_drip_fed_answer_ends_at_the_deadline() -> None:
    stop = threading.Event()

    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not stop.wait(0.05):
            try:
                handler.wfile.write(b"X-A: b\r\n")
            except OSError:
                return

    started = time.monotonic()
    with receiver() as to:
        to.act = act
        with pytest.raises(SendFailed):
            post(to.url, {}, b"", allow=ALLOW, seconds=0.5)
        stop.set()
    assert time.monotonic() - started < 20


def test_a_closed_port_and_garbage_fail_without_naming_the_url() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(SendFailed) as caught:
        post(f"http://127.0.0.1:{port}/secret-path", {}, b"", allow=ALLOW)
    assert "secret" not in caught.value.message
    with receiver() as to:
        to.act = lambda handler: handler.wfile.write(b"not http\r\n\r\n") and None
        with pytest.raises(SendFailed):
            post(to.url, {}, b"", allow=ALLOW)


def test_tls_is_checked_against_the_name() -> None:
    """A receiver that speaks no TLS, and then none that is trusted, gets nothing."""
    with receiver() as to, pytest.raises(SendFailed):
        post(to.url.replace("http:", "https:"), {}, os.urandom(10), allow=ALLOW, tls=ssl.create_default_context())
    assert to.received == []

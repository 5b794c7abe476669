"""A file by URL: from public places only, whatever redirects say, and never too much of it."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from vidgen.jobs.outbound.addresses import AddressRefused
from vidgen.jobs.outbound.fetching import FetchFailed, fetch

LOOPBACK = ("127.0.0.1/32",)
LIMIT = 1 << 20


class Answers(BaseHTTPRequestHandler):
    """`/file`, `/large`, `/slow`, `/missing`, `/to/<n>` (n redirects to /file), `/private` (to a private address)."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        kind, _, rest = self.path.strip("/").partition("/")
        if kind == "to":
            self._moved("/file" if rest == "1" else f"/to/{int(rest) - 1}")
        elif kind == "private":
            # another address of this very server, which the allow-list does not hold
            self._moved(f"http://127.0.0.2:{self.server.server_port}/file")  # type: ignore[attr-defined]
        elif kind == "missing":
            self.send_error(404)
        else:
            self.send_response(200)
            self.end_headers()
            size = LIMIT + 1 if kind == "large" else 5
            try:
                for _ in range(200 if kind == "slow" else 1):
                    self.wfile.write(b"a" * size)
                    self.wfile.flush()
                    if kind == "slow":
                        time.sleep(0.1)
            except OSError:
                return

    def _moved(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("0.0.0.0", 0), Answers)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def url(server: ThreadingHTTPServer, path: str) -> str:
    return f"http://127.0.0.1:{server.server_port}/{path}"


def test_a_file_and_its_redirects_are_followed(server: ThreadingHTTPServer) -> None:
    assert fetch(url(server, "file"), limit=LIMIT, allow=LOOPBACK) == b"aaaaa"
    assert fetch(url(server, "to/3"), limit=LIMIT, allow=LOOPBACK) == b"aaaaa"
    with pytest.raises(FetchFailed, match="redirects"):
        fetch(url(server, "to/4"), limit=LIMIT, allow=LOOPBACK)


def test_private_addresses_are_refused_without_a_connection(server: ThreadingHTTPServer) -> None:
    with pytest.raises(AddressRefused):
        fetch(url(server, "file"), limit=LIMIT)
    assert server.asked == []  # type: ignore[attr-defined]


def test_a_redirect_to_a_private_address_is_refused(server: ThreadingHTTPServer) -> None:
    """Fails when redirects are fetched without resolving them anew: tried."""
    with pytest.raises(AddressRefused):
        fetch(url(server, "private"), limit=LIMIT, allow=LOOPBACK)
    assert server.asked == ["/private"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("path", "why"), [("missing", "404"), ("large", "larger"), ("slow", "in time")])
def test_what_is_no_file_is_told_without_the_address(server: ThreadingHTTPServer, path: str, why: str) -> None:
    with pytest.raises(FetchFailed, match=why) as caught:
        fetch(url(server, path), limit=LIMIT, allow=LOOPBACK, seconds=1.0 if path == "slow" else 15.0)
    assert "127.0.0.1" not in caught.value.message


def test_nobody_listens() -> None:
    with pytest.raises(FetchFailed, match="no answer"):
        fetch("http://127.0.0.1:9/", limit=LIMIT, allow=LOOPBACK)

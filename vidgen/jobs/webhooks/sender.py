"""Sends one signed POST to an address that was checked before. No redirects, no proxies, one deadline for all of it.

http.client and not a fuller library (docs/adr/0011): the socket must go to the very address that was checked, while the
Host header and the TLS name stay those of the URL.
"""

import contextlib
import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from vidgen.errors import VidgenError
from vidgen.jobs.outbound.addresses import Target, resolve

DEADLINE_SECONDS = 15.0
ANSWER_LIMIT = 64 * 1024
LONGEST_RETRY_AFTER = 86400.0


class SendFailed(VidgenError):
    """No answer came: refused, reset, timed out, or not HTTP. The message holds no URL, which may carry secrets."""

    code = "webhook_failed"
    retryable = True


@dataclass(frozen=True, slots=True)
class Answer:
    """`retry_after` is in seconds and only read from 429 and 503."""

    status: int
    retry_after: float | None = None


def post(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    allow: Sequence[str] = (),
    seconds: float = DEADLINE_SECONDS,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """POST `body` and return the status. Raises AddressRefused before connecting, SendFailed after."""
    started = time.monotonic()
    target = resolve(url, allow, seconds)
    try:
        with connection_to(target, seconds - (time.monotonic() - started), tls) as (connection, late):
            connection.request("POST", target.path, body=body, headers=dict(headers))
            response = connection.getresponse()
            response.read()
            # http.client takes a connection cut within the headers for their end
            if late.is_set():
                raise SendFailed(f"no answer within {seconds:g} s")
            return Answer(response.status, _retry_after(response.status, response.getheader("Retry-After")))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise SendFailed(f"no answer: {type(error).__name__}") from error


@contextlib.contextmanager
def connection_to(
    target: Target, seconds: float, tls: ssl.SSLContext | None, most: int = ANSWER_LIMIT
) -> Iterator[tuple[http.client.HTTPConnection, threading.Event]]:
    """A connection to the checked address, and the event that is set when its time is over."""
    connection = http.client.HTTPConnection(target.host, target.port, timeout=seconds)
    with socket.create_connection((target.address, target.port), timeout=seconds) as plain, plain.dup() as guard:
        # timeouts of sockets start anew with every byte; this one ends a drip-fed answer too
        late = threading.Event()
        timer = threading.Timer(seconds, _hang_up, (guard, late))
        timer.daemon = True
        timer.start()
        try:
            stream = plain
            if target.scheme == "https":
                context = tls or ssl.create_default_context()
                stream = context.wrap_socket(plain, server_hostname=target.host)
            connection.sock = _CappedSocket(stream, most)
            # the default port is left out of the Host header for http only by http.client itself
            connection.default_port = 443 if target.scheme == "https" else 80
            yield connection, late
        finally:
            timer.cancel()
            connection.close()


class _CappedSocket:
    """What http.client needs of a socket, with an end to what may come out of it: headers count too."""

    def __init__(self, stream: socket.socket, most: int) -> None:
        self._stream, self._most = stream, most
        self.sendall = stream.sendall
        self.close = stream.close

    def makefile(self, mode: str) -> io.BufferedReader:
        del mode  # http.client asks for "rb"
        return io.BufferedReader(_Capped(self._stream.makefile("rb", buffering=0), self._most))


class _Capped(io.RawIOBase):
    """Raises SendFailed when more than `most` bytes come."""

    def __init__(self, raw: socket.SocketIO, most: int) -> None:
        self._raw, self._most, self._left = raw, most, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        count = self._raw.readinto(buffer)
        self._left -= count or 0
        if self._left < 0:
            raise SendFailed(f"the answer is longer than {self._most} bytes")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


def _hang_up(guard: socket.socket, late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(OSError):
        guard.shutdown(socket.SHUT_RDWR)


def _retry_after(status: int, value: str | None) -> float | None:
    if status not in (429, 503) or not value:
        return None
    if value.isascii() and value.strip().isdigit():
        seconds = float(value)
    else:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, OverflowError):  # a time zone of many digits is an OverflowError
            return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)

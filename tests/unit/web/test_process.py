"""The web process itself: what it loads, what it weighs, how it stops."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vidgen.jobs.settings import Settings

HEAVY = ("torch", "av", "cv2", "decord", "diffusers", "transformers", "numpy", "PIL", "vidgen_workers")
# what most requests do without: imported where it is used
LATE = ("alembic", "celery", "kombu", "opentelemetry", "prometheus_client", "rich")
WEIGHT_LIMIT_MB = 150
STREAMS = 12
SERVE = "from vidgen.jobs.settings import load_settings; from vidgen_web.serve import main; main(load_settings())"


@pytest.fixture
def server(settings: Settings) -> Iterator[tuple[subprocess.Popen[str], int]]:
    environment = {**os.environ, "VIDGEN_DATA_DIR": str(settings.data_dir), "VIDGEN_PORT": "0"}
    command = [sys.executable, "-c", SERVE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield process, int(line.rsplit(":", 1)[1])
        process.kill()


def ask(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_importing_the_web_package_loads_nothing_heavy() -> None:
    code = f"import sys, vidgen_web.serve; print([n for n in {HEAVY + LATE!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_server_is_light_serves_and_stops_at_once(server: tuple[subprocess.Popen[str], int]) -> None:
    process, port = server
    for path in ("/", "/docs", "/api/v1/jobs", "/api/v1/openapi.json", "/static/main.js"):
        assert ask(port, path)[0] == 200
    assert resident_megabytes(process.pid) < WEIGHT_LIMIT_MB
    stream = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    stream.request("GET", "/api/v1/events")
    assert stream.getresponse().read(6) == b"retry:"
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    assert time.monotonic() - started < 5
    stream.close()


def test_closed_streams_make_room_at_once(server: tuple[subprocess.Popen[str], int]) -> None:
    _, port = server
    for _ in range(2):
        streams = []
        for _ in range(STREAMS):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/api/v1/events")
            streams.append(connection.getresponse())
        assert [stream.status for stream in streams] == [200] * STREAMS
        assert ask(port, "/api/v1/events")[0] == 503
        assert ask(port, "/healthz")[0] == 200
        for stream in streams:
            stream.close()
        time.sleep(1.5)


def test_bodies_over_the_cap_are_refused_by_the_server_too(server: tuple[subprocess.Popen[str], int]) -> None:
    _, port = server
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("POST", "/api/v1/jobs")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_ready_and_alive(server: tuple[subprocess.Popen[str], int]) -> None:
    _, port = server
    for path in ("/healthz", "/readyz"):
        status, body = ask(port, path)
        assert (status, json.loads(body)["status"]) in ((200, "ok"), (200, "degraded"))


def resident_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("needs /proc")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024

"""The web image's install commands in a fresh virtualenv: it serves, re-encodes uploads and has no torch."""

import json
import os
import shlex
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.test_docker import DOCKER, ROOT, instructions
from tests.faults.worker_process import wait_until
from tests.simulated_worker import write_clip

pytestmark = [pytest.mark.integration, pytest.mark.slow]

INSTALL_SECONDS = 900


def commands() -> list[str]:
    """What the Dockerfile runs to install, with the places of this test put in by the caller."""
    runs = [rest for word, rest in instructions(DOCKER / "web.Dockerfile") if word == "RUN"]
    assert sum("pip" in run for run in runs) == 4
    return [run for run in runs if run.startswith("pip ")]


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of a virtualenv that the image's commands have filled."""
    folder = tmp_path_factory.mktemp("image")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    places = {"/wheels": str(folder / "wheels"), "/tmp/wheels": str(folder / "wheels"), "/tmp/web": str(ROOT)}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PATH"] = f"{folder / 'venv' / 'bin'}:{environment['PATH']}"
    for command in commands():
        for place, here in sorted(places.items(), key=lambda pair: -len(pair[0])):
            command = command.replace(f" {place}", f" {here}")
        # several machines' registries are slow; the image's build waits for them as long
        done = subprocess.run(
            command, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
        assert done.returncode == 0, f"{shlex.quote(command)}\n{done.stderr[-2000:]}"
    return folder / "venv" / "bin"


@contextmanager
def web(scripts: Path, data: Path) -> Iterator[tuple[str, dict[str, str]]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    environment = {"PATH": os.environ["PATH"], "VIDGEN_DATA_DIR": str(data), "VIDGEN_PORT": str(port)}
    with (data / "web.log").open("wb") as log:
        process = subprocess.Popen([scripts / "vidgen", "web"], env=environment, cwd=data, stdout=log, stderr=log)
    try:
        alive = [scripts / "vidgen", "alive", "web"]
        wait_until(lambda: subprocess.run(alive, env=environment, capture_output=True).returncode == 0, 90, "the web")
        yield f"http://127.0.0.1:{port}", environment
    finally:
        process.terminate()
        assert process.wait(20) == 0, (data / "web.log").read_text()


def post(url: str, body: bytes, content_type: str) -> Any:
    request = urllib.request.Request(url, body, {"Content-Type": content_type})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_the_web_image_serves_takes_media_and_jobs_without_torch(scripts: Path, tmp_path: Path) -> None:
    """Fails when a module of the web process or of its media child imports torch or another part of the engine."""
    absent = (
        "import importlib.util as u; print([n for n in ('torch','diffusers','transformers','cv2') if u.find_spec(n)])"
    )
    done = subprocess.run([scripts / "python", "-I", "-c", absent], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    traced = "from vidgen.telemetry.tracing import start_tracing; print(start_tracing('vidgen-web'))"
    environment = {"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "otlp"}
    command = [scripts / "python", "-I", "-c", traced]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True", done.stderr
    write_clip(tmp_path / "clip.mp4", 5, 8)
    with web(scripts, tmp_path) as (base, environment):
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="clip.mp4"\r\n\r\n'
        body = head + (tmp_path / "clip.mp4").read_bytes() + b"\r\n--x--\r\n"
        upload = post(f"{base}/api/v1/uploads", body, "multipart/form-data; boundary=x")
        assert (upload["kind"], upload["num_frames"]) == ("video", 5)
        spec = {"prompt": "a cat", "video": {"upload_id": upload["id"]}}
        assert post(f"{base}/api/v1/jobs", json.dumps(spec).encode(), "application/json")["status"] == "queued"
        for path in ("/", "/readyz", "/metrics", "/api/v1/openapi.json"):
            with urllib.request.urlopen(base + path, timeout=30) as answer:
                assert answer.status == 200
        doctor = [scripts / "vidgen", "doctor", "--web-only", "--json"]
        told = json.loads(subprocess.run(doctor, env=environment, capture_output=True, text=True).stdout)
        assert told["healthy"], told
        told = subprocess.run([scripts / "vidgen", "alive", "worker"], env=environment, capture_output=True, text=True)
        assert (told.returncode, "no worker of this host" in told.stderr) == (1, True)

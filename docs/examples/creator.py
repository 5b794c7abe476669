"""A creator's afternoon over HTTP: a clip from words, a second one from its last frame, a third one restyled.

It starts vidgen with the embedded defaults in a folder of its own, listens for the signed webhooks, and stops cleanly.
Needs the `standardwebhooks` package beside vidgen. Run it with `make demo`.
"""

import argparse
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from vidgen.media.probe import probe

START_SECONDS, JOB_SECONDS = 60, 120


class Receiver:
    """A webhook receiver on loopback: it verifies every signature before it believes a word."""

    def __init__(self) -> None:
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        self.secret = ""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                Webhook(receiver.secret).verify(body, dict(self.headers.items()))  # raises on a forged event
                receiver.events.put(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Keep the demo's output to what it says itself."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/done"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, job_id: str) -> dict[str, Any]:
        """The verified event of one job. Raises queue.Empty when none comes."""
        while True:
            event = self.events.get(timeout=30)
            if event["data"]["id"] == job_id:
                return event


class Creator:
    """Speaks the public API and nothing else."""

    def __init__(self, base: str) -> None:
        self.base = base

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def make(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Submit, follow the progress to the end, and return the finished job."""
        job = self.call("POST", "/api/v1/jobs", spec)
        deadline = time.monotonic() + JOB_SECONDS
        while job["status"] not in ("succeeded", "failed", "cancelled"):
            if time.monotonic() > deadline:
                raise SystemExit(f"{job['id']} was not done within {JOB_SECONDS} s; status {job['status']}")
            show_progress(job)
            time.sleep(0.2)
            job = self.call("GET", f"/api/v1/jobs/{job['id']}")
        show_progress(job)
        print()
        if job["status"] != "succeeded":
            raise SystemExit(f"{job['id']} {job['status']}: {job['error']}")
        return job

    def save(self, job: dict[str, Any], path: Path) -> None:
        """Download the clip of a finished job."""
        video = next(artifact for artifact in job["artifacts"] if artifact["kind"] == "video")
        url = video["url"] if video["url"].startswith("http") else self.base + video["url"]
        with urllib.request.urlopen(url, timeout=30) as answer:
            path.write_bytes(answer.read())


def show_progress(job: dict[str, Any]) -> None:
    """One line that is drawn over; where the output is kept in a file, only the end of it."""
    filled = round(job["progress"] * 30)
    doing = f"step {job['step']}/{job['total_steps']}" if job["total_steps"] else job["stage"] or ""
    bar = f"  [{'█' * filled}{'·' * (30 - filled)}] {job['progress']:4.0%} {job['status']:9} {doing:12}"
    if sys.stdout.isatty():
        print(f"\r{bar}", end="", flush=True)
    elif job["status"] not in ("queued", "running"):
        print(bar, end="", flush=True)


def free_port() -> int:
    with socket.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        port: int = probe_socket.getsockname()[1]
        return port


def start_service(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    environment = os.environ | {
        "VIDGEN_DATA_DIR": str(folder / "data"),
        "VIDGEN_PORT": str(port),
        # the receiver lies on loopback, which webhooks refuse unless the operator allows it
        "VIDGEN_WEBHOOK_ALLOW_PRIVATE": "127.0.0.1/32",
    }
    log = (folder / "service.log").open("wb")
    return subprocess.Popen([sys.executable, "-m", "vidgen.cli", "up"], env=environment, stdout=log, stderr=log)


def wait_until_ready(base: str, service: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and service.poll() is None:
        try:
            with urllib.request.urlopen(base + "/readyz", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"the service did not start; its log is {log}:\n{log.read_text()[-2000:]}")


def play(creator: Creator, receiver: Receiver, folder: Path) -> list[Path]:
    """The three clips; each is downloaded, probed, and its webhook verified."""
    endpoint = creator.call("POST", "/api/v1/webhook-endpoints", {"url": receiver.url})
    receiver.secret = endpoint["secret"]

    def video_of(job: dict[str, Any]) -> str:
        return next(artifact["id"] for artifact in job["artifacts"] if artifact["kind"] == "video")

    clips: list[Path] = []

    def finish(name: str, title: str, spec: dict[str, Any]) -> dict[str, Any]:
        print(f"{title}: “{spec['prompt']}”")
        job = creator.make(spec)
        event = receiver.wait_for(job["id"])
        path = folder / f"{name}.mp4"
        creator.save(job, path)
        info = probe(path)
        print(f"  webhook {event['type']}: signature verified")
        print(f"  {path}  {info.width}×{info.height}, {info.num_frames} frames, {info.seconds:.1f} s\n")
        clips.append(path)
        return job

    first = finish(
        "1-text-to-video",
        "Text to video",
        {"task": "text-to-video", "prompt": "a rocket moves right on a blue background", "seed": 7},
    )
    finish(
        "2-image-to-video",
        "Image to video, from the last frame",
        {
            "task": "image-to-video",
            "prompt": "a rocket moves left on a blue background",
            "image": {"artifact_id": video_of(first), "frame": -1},
            "seed": 8,
        },
    )
    finish(
        "3-video-to-video",
        "Video to video, strength 0.8",
        {
            "task": "video-to-video",
            "prompt": "an apple moves right on a green background",
            "video": {"artifact_id": video_of(first)},
            "strength": 0.8,
            "seed": 9,
        },
    )
    return clips


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="where data, log and clips go")
    folder: Path = parser.parse_args().folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    started = time.monotonic()
    service = start_service(folder, port)
    try:
        print(f"Starting vidgen at {base} …")
        wait_until_ready(base, service, folder / "service.log")
        clips = play(Creator(base), Receiver(), folder)
    finally:
        service.send_signal(signal.SIGTERM)
        code = service.wait(30)
    print(f"Three clips in {time.monotonic() - started:.0f} s, service stopped (exit code {code}):")
    print("\n".join(f"  {clip}" for clip in clips))


if __name__ == "__main__":
    main()

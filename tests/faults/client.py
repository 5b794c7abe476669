"""A client over HTTP that does what docs/api.md tells clients to do: keep the Idempotency-Key and try again."""

import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from secrets import token_hex
from typing import Any

TERMINAL = ("succeeded", "failed", "cancelled")
PATIENCE_SECONDS = 120.0
SPEC = {"task": "text-to-video", "num_frames": 5, "width": 64, "height": 64, "num_inference_steps": 4}


class Client:
    """`accepted` holds the id of every job that was answered 202; `errors` what was answered or broke in between."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.accepted: dict[str, str] = {}
        self.cancelled: set[str] = set()
        self.errors: list[str] = []
        self._lock = threading.Lock()

    def call(self, method: str, path: str, body: object = None, *, key: str | None = None) -> Any:
        """One request. Raises OSError, which urllib's HTTPError is too."""
        headers = {"Content-Type": "application/json"} | ({} if key is None else {"Idempotency-Key": key})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error

    def insist(self, method: str, path: str, body: object = None, *, key: str | None = None) -> Any:
        """Repeat a request until it is answered; only the server's own and the connection's errors are repeated."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self.call(method, path, body, key=key)
            except OSError as error:
                if isinstance(error, urllib.error.HTTPError) and error.code < 500:
                    raise AssertionError(f"{method} {path}: {error.code} {error.read()!r}") from error
                with self._lock:
                    self.errors.append(f"{method} {type(error).__name__} {getattr(error, 'code', '')}")
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def submit(self, prompt: str, **fields: Any) -> str:
        """Queue a job, however long that takes; returns its id."""
        return self.queue("/api/v1/jobs", {**SPEC, "seed": 1, "prompt": prompt, **fields})

    def queue(self, path: str, body: object) -> str:
        """What is sent to `path` makes a job; returns its id."""
        key = token_hex(8)
        job = self.insist("POST", path, body, key=key)
        with self._lock:
            self.accepted[job["id"]] = key
        job_id: str = job["id"]
        return job_id

    def cancel(self, job_id: str) -> Any:
        """Ask for a cancel; remembered unless the job had ended before."""
        job = self.insist("POST", f"/api/v1/jobs/{job_id}/cancel")
        if job["cancel_requested"]:
            with self._lock:
                self.cancelled.add(job_id)
        return job

    def remove(self, job_id: str, **headers: str) -> int:
        """Ask once for a deletion; returns the status of the answer."""
        request = urllib.request.Request(f"{self.base}/api/v1/jobs/{job_id}", headers=headers, method="DELETE")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)

    def get(self, job_id: str) -> Any:
        return self.insist("GET", f"/api/v1/jobs/{job_id}")

    def wait(self, job_id: str, *statuses: str, seconds: float = 240.0) -> Any:
        """The job once it has one of the statuses (any terminal one by default)."""
        end = time.monotonic() + seconds
        while (job := self.get(job_id))["status"] not in (statuses or TERMINAL):
            assert time.monotonic() < end, f"{job_id} is {job['status']}, not {statuses or TERMINAL}, after {seconds} s"
            time.sleep(0.05)
        return job

    def is_ready(self) -> bool:
        try:
            return bool(self.call("GET", "/readyz"))
        except OSError:
            return False

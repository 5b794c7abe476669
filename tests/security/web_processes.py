"""Real web processes over one database, and requests to them."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from vidgen.jobs.settings import Settings

SERVE = "from vidgen.jobs.settings import load_settings; from vidgen_web.serve import main; main(load_settings())"
ANSWER_SECONDS = 60


@contextmanager
def web_process(settings: Settings, more: Mapping[str, str] | None = None) -> Iterator[int]:
    """A web process on a port of its own, which it yields; the database is migrated already."""
    environment = {**os.environ, "VIDGEN_DATA_DIR": str(settings.data_dir), "VIDGEN_PORT": "0", **(more or {})}
    if settings.database_url:
        environment["VIDGEN_DATABASE_URL"] = settings.database_url
    command = [sys.executable, "-c", SERVE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment) as it:
        assert it.stdout is not None
        line = next(line for line in it.stdout if "vidgen is at" in line)
        try:
            yield int(line.rsplit(":", 1)[1])
        finally:
            it.kill()


def post(port: int, body: Mapping[str, Any], idempotency_key: str | None = None) -> tuple[int, dict[str, Any]]:
    """POST a job; status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    headers = {"Content-Type": "application/json"}
    if idempotency_key is not None:
        headers["Idempotency-Key"] = idempotency_key
    try:
        connection.request("POST", "/api/v1/jobs", json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.load(answer)
    finally:
        connection.close()

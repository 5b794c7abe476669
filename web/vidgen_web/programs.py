"""Child programs that open media files for this process: few at once, limited in time; a line is their answer."""

import json
import logging
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from vidgen.errors import MediaError
from vidgen_web.caller import caller
from vidgen_web.problems import ProblemError
from vidgen_web.services import Services

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 60
WAIT_SECONDS = 5
ANSWER_LIMIT = 4096
UNREADABLE = "the file is not a picture or clip that can be read"
CHILD_CODES = ("invalid_media", "no_recipe")


@contextmanager
def turn(services: Services) -> Iterator[None]:
    """Few files are read at a time: each may take gigabytes. Few wait for that: each holds one of the server's threads.

    Raises ProblemError too_many_uploads.
    """
    tenant = caller().tenant
    if not services.files.take(tenant):
        raise _busy()
    try:
        if not services.ingests.acquire(timeout=WAIT_SECONDS):
            raise _busy()
        try:
            yield
        finally:
            services.ingests.release()
    finally:
        services.files.give_back(tenant)


def _busy() -> ProblemError:
    return ProblemError("too_many_uploads", "other files are being read; try again", headers={"Retry-After": "5"})


def told(command: tuple[str, ...], folder: Path, limit: int = ANSWER_LIMIT) -> Any:
    """The JSON of the last line that a child program says. Raises MediaError with the reason that it gives."""
    # files and not pipes: what the program says may not fill this process's memory, and it has a limit on files
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaints:
        try:
            done = subprocess.run(
                command,
                stdout=said,
                stderr=complaints,
                timeout=TIMEOUT_SECONDS,
                env={"PATH": os.defpath},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise MediaError(f"the file took more than {TIMEOUT_SECONDS} seconds to read") from error
        line, complaint = _last_line(said, limit), _last_line(complaints, ANSWER_LIMIT)
    try:
        answer = json.loads(line)
        if done.returncode == 0:
            return answer
        code, message = str(answer["error"]["code"]), str(answer["error"]["message"])
    except (ValueError, KeyError, TypeError) as error:
        log.warning("a file could not be read", extra={"exit": done.returncode, "complaint": complaint})
        if done.returncode == -signal.SIGKILL:
            raise MediaError("the file takes too much time or memory to read") from error
        raise MediaError(UNREADABLE) from error
    raise MediaError(message, code=code if code in CHILD_CODES else None)


def _last_line(stream: IO[bytes], limit: int) -> str:
    stream.seek(0, os.SEEK_END)
    stream.seek(max(0, stream.tell() - limit))
    return stream.read().decode(errors="replace").strip().rpartition("\n")[2]

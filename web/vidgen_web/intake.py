"""Takes a file from outside: a server-named copy, a byte cap, a child program that probes and re-encodes it.

This process never decodes the file. What the rest of the service sees is the child's own output.
"""

import errno
import hashlib
import json
import logging
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

from pydantic import Field
from werkzeug.datastructures import FileStorage

from vidgen.errors import MediaError
from vidgen.jobs.views import Upload
from vidgen.spec.base import SpecModel
from vidgen.spec.recipe import LARGEST, Recipe
from vidgen_web.problems import ProblemError
from vidgen_web.services import Services

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 60
WAIT_SECONDS = 5
ANSWER_LIMIT = 4096
UNREADABLE = "the file is not a picture or clip that can be read"
CHILD_CODES = ("invalid_media", "no_recipe")
CHUNK = 1 << 20
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
MEGABYTE = 1 << 20


class Ingested(SpecModel):
    """The child's line: what it wrote into its folder."""

    kind: Literal["image", "video"]
    filename: str = Field(pattern=r"^[a-z0-9_]+\.[a-z0-9]+$")
    content_type: str
    width: int
    height: int
    num_frames: int | None = None
    fps: float | None = None


def take(services: Services, file: FileStorage) -> Upload:
    """Store an uploaded picture or clip. Raises MediaError, or ProblemError body_too_large or storage_full."""
    with _copied(services, file) as source:
        out_dir = source.with_name("out")
        out_dir.mkdir()
        with _turn(services):
            ingested = _ingest(services.ingest_command, source, out_dir)
        return _store(services, ingested, out_dir / ingested.filename, file.filename)


def recipe_of(services: Services, file: FileStorage) -> Recipe:
    """The recipe that a file carries; nothing of the file is kept. Raises MediaError (no_recipe) and as `take` does."""
    with _copied(services, file) as source, _turn(services):
        told = _told((*services.recall_command, str(source)), source.parent, LARGEST)
    try:
        return Recipe.model_validate(told)
    except ValueError as error:
        raise MediaError(UNREADABLE) from error


def fingerprint(file: FileStorage) -> str:
    """The sha256 of an uploaded file, which is rewound."""
    digest = hashlib.file_digest(file.stream, "sha256").hexdigest()  # type: ignore[arg-type]
    file.stream.seek(0)
    return digest


def _copy(stream: IO[bytes], target: Path, limit: int) -> None:
    size = 0
    with target.open("xb") as out:
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > limit:
                raise ProblemError("body_too_large", f"files may have {limit // MEGABYTE} MB at most")
            out.write(chunk)
    if not size:
        raise MediaError("the file is empty")


@contextmanager
def _copied(services: Services, file: FileStorage) -> Iterator[Path]:
    """The file under a name of ours, in a folder that is gone afterwards. Raises ProblemError storage_full."""
    folder = services.settings.incoming_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as name:
            source = Path(name) / "source"
            _copy(file.stream, source, services.settings.max_upload_mb * MEGABYTE)
            yield source
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise  # a folder that may not be written, a program that is missing: the log's business, not the client's
        raise ProblemError("storage_full", f"the file could not be stored: {error.strerror}") from error


@contextmanager
def _turn(services: Services) -> Iterator[None]:
    """Few files are read at a time: each may take gigabytes. Raises ProblemError too_many_uploads."""
    if not services.ingests.acquire(timeout=WAIT_SECONDS):
        raise ProblemError("too_many_uploads", "other files are being read; try again", headers={"Retry-After": "5"})
    try:
        yield
    finally:
        services.ingests.release()


def _ingest(command: tuple[str, ...], source: Path, out_dir: Path) -> Ingested:
    told = _told((*command, str(source), str(out_dir)), source.parent, ANSWER_LIMIT)
    try:
        return _checked(Ingested.model_validate(told), out_dir)
    except ValueError as error:  # a ValidationError is one
        raise MediaError(UNREADABLE) from error


def _told(command: tuple[str, ...], folder: Path, limit: int) -> Any:
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
        told = json.loads(line)
        if done.returncode == 0:
            return told
        code, message = str(told["error"]["code"]), str(told["error"]["message"])
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


def _checked(ingested: Ingested, out_dir: Path) -> Ingested:
    """What the program made is a file of its own; a link would let it publish one of ours. Raises ValueError."""
    made = out_dir / ingested.filename
    if made.is_symlink() or not made.is_file():
        raise ValueError("not a plain file")
    return ingested


def _store(services: Services, ingested: Ingested, source: Path, shown_name: str | None) -> Upload:
    return services.uploads.add(
        source,
        filename="".join(c for c in shown_name or "" if c.isprintable()),
        **ingested.model_dump(exclude={"filename"}),
    )

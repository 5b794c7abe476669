"""Takes a file from outside: a server-named copy, a byte cap, a child program that probes and re-encodes it.

This process never decodes the file. What the rest of the service sees is the child's own output.
"""

import errno
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

from pydantic import Field
from werkzeug.datastructures import FileStorage

from vidgen.errors import MediaError
from vidgen.jobs.views import Upload
from vidgen.spec.base import SpecModel
from vidgen.spec.recipe import LARGEST, Recipe
from vidgen_web.problems import ProblemError
from vidgen_web.programs import UNREADABLE, told, turn
from vidgen_web.services import Services

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
        with turn(services):
            ingested = _ingest(services.ingest_command, source, out_dir)
        return _store(services, ingested, out_dir / ingested.filename, file.filename)


def recipe_of(services: Services, file: FileStorage) -> Recipe:
    """The recipe that a file carries; nothing of the file is kept. Raises MediaError (no_recipe) and as `take` does."""
    with _copied(services, file) as source, turn(services):
        answer = told((*services.recall_command, str(source)), source.parent, LARGEST)
    try:
        return Recipe.model_validate(answer)
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


def _ingest(command: tuple[str, ...], source: Path, out_dir: Path) -> Ingested:
    answer = told((*command, str(source), str(out_dir)), source.parent)
    try:
        return _checked(Ingested.model_validate(answer), out_dir)
    except ValueError as error:  # a ValidationError is one
        raise MediaError(UNREADABLE) from error


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

"""The data folder: there, writable, with room, and its secrets for its owner only."""

import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vidgen.doctor.finding import Finding, ok, problem, warning
from vidgen.jobs.settings import Settings
from vidgen.jobs.state.readiness import MEGABYTE

SECRET_FILES = ("api_key", "secret_key", "webhook_secret")
ROOM_MB = 2000
FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check_data_folder(settings: Settings) -> Iterator[Finding]:
    place = _existing(settings.data_dir)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        remedy = f"give this user the right to write to {place}, or set VIDGEN_DATA_DIR to a folder of its own"
        yield problem("data folder", f"{place} cannot be written to ({error.strerror})", remedy)
        return
    new = "" if place == settings.data_dir else " (made at the first start)"
    yield ok("data folder", f"{settings.data_dir}{new}")
    yield _room(settings, shutil.disk_usage(place).free // MEGABYTE)
    yield from _secrets(settings.data_dir)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.is_dir())


def _room(settings: Settings, free: int) -> Finding:
    remedy = "free some disk, lower VIDGEN_RETENTION_DAYS, or move VIDGEN_DATA_DIR to a larger disk"
    if free < settings.min_free_mb:
        return problem("disk", f"{free} MB free, less than VIDGEN_MIN_FREE_MB={settings.min_free_mb}", remedy)
    return ok("disk", f"{free} MB free") if free >= ROOM_MB else warning("disk", f"only {free} MB free", remedy)


def _secrets(folder: Path) -> Iterator[Finding]:
    files = [folder / name for name in SECRET_FILES if (folder / name).exists()]
    open_to_others = [file for file in files if file.stat().st_mode & FOR_OTHERS]
    if open_to_others:
        names = " ".join(str(file) for file in open_to_others)
        yield problem("secrets", "other users of this machine can read or change them", f"chmod 600 {names}")
    else:
        yield ok("secrets", "readable by their owner only" if files else "made at the first start")
    if folder.is_dir() and folder.stat().st_mode & stat.S_IRWXO:
        yield warning("privacy", "other users of this machine can look into the data folder", f"chmod o-rwx {folder}")

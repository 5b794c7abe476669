"""Whether the service can take work and finish it: the checks behind /readyz, which the doctor asks too."""

import os
import shutil
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.jobs.database.session import MIGRATIONS, reading
from vidgen.jobs.database.tables import JobRow
from vidgen.jobs.line.pausing import QueueSwitch
from vidgen.jobs.settings import Settings
from vidgen.jobs.state.figures import SEEN_SECONDS
from vidgen.jobs.state.presence import Presence
from vidgen.spec import JobStatus

MEGABYTE = 1024 * 1024
State = Literal["ok", "degraded", "unready"]
ORDER: tuple[State, ...] = ("ok", "degraded", "unready")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `unready`: new jobs would fail or be lost; `degraded`: they are kept and must wait."""

    name: str
    state: State
    detail: str


def check_readiness(engine: Engine, settings: Settings) -> tuple[Check, ...]:
    """Every check, in order; those that need the database are left out when it does not answer."""
    return (*_check_database(engine), _check_disk(settings))


def worst(checks: tuple[Check, ...]) -> State:
    return max((check.state for check in checks), key=ORDER.index, default="ok")


def newest_revision() -> str:
    """The database revision of this version. Read off the files' names, which spares Alembic's import."""
    return max(file.stem.partition("_")[0] for file in (MIGRATIONS / "versions").glob("r[0-9]*.py"))


def current_revision(session: Session) -> str | None:
    """The revision that the database is at. Raises SQLAlchemyError, also when it was never migrated."""
    found: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def _check_database(engine: Engine) -> tuple[Check, ...]:
    try:
        with reading(engine) as session:
            revision = current_revision(session)
        seen = len(Presence(engine).alive(SEEN_SECONDS))
        if revision != newest_revision():
            return Check("database", "ok", "answers"), _check_revision(revision), _check_workers(seen)
        queue = _check_queue(engine)
    except SQLAlchemyError as error:
        # the text may hold the address; the kind says enough here, and the log of the process says the rest
        return (Check("database", "unready", f"does not answer ({type(error).__name__})"),)
    return Check("database", "ok", "answers"), _check_revision(revision), _check_workers(seen), queue


def _check_revision(revision: str | None) -> Check:
    newest = newest_revision()
    if revision == newest:
        return Check("migrations", "ok", newest)
    return Check("migrations", "unready", f"the database is at {revision}, this version needs {newest}")


def _check_workers(seen: int) -> Check:
    if seen:
        return Check("workers", "ok", f"{seen} seen")
    return Check("workers", "degraded", f"none was seen for {SEEN_SECONDS:.0f} s; jobs are kept and wait")


def _check_queue(engine: Engine) -> Check:
    if QueueSwitch(engine).state().paused:
        # /readyz is public, and the reason is the operator's own words: GET /queue tells it to those with a key
        return Check("queue", "degraded", "paused")
    with reading(engine) as session:
        queued = (col(JobRow.status) == JobStatus.QUEUED, col(JobRow.problem_code).is_not(None))
        stalled = session.scalar(select(func.count()).select_from(JobRow).where(*queued)) or 0
    return Check("queue", "degraded", f"{stalled} jobs are not taken") if stalled else Check("queue", "ok", "open")


def _check_disk(settings: Settings) -> Check:
    try:
        free = shutil.disk_usage(settings.data_dir).free // MEGABYTE
    except OSError as error:
        return Check("disk", "unready", f"the data folder cannot be read ({error.strerror})")
    if not os.access(settings.data_dir, os.W_OK):
        return Check("disk", "unready", "the data folder cannot be written to")
    if free < settings.min_free_mb:
        return Check("disk", "unready", f"{free} MB free, less than VIDGEN_MIN_FREE_MB={settings.min_free_mb}")
    return Check("disk", "ok", f"{free} MB free")

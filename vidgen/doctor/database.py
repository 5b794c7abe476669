"""The database: reachable, at this version's tables, with workers, and with a clock like this machine's."""

import time
from collections.abc import Iterator

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from vidgen.doctor.finding import Finding, ok, problem, warning
from vidgen.errors import VidgenError
from vidgen.jobs.database.clock import database_now
from vidgen.jobs.database.session import database_name, is_missing_sqlite_file, make_engine, reading
from vidgen.jobs.settings import Settings
from vidgen.jobs.state.figures import SEEN_SECONDS
from vidgen.jobs.state.presence import Presence
from vidgen.jobs.state.readiness import current_revision, newest_revision
from vidgen.telemetry.logs import masked

SKEW_SECONDS = 2.0


def check_database(settings: Settings) -> Iterator[Finding]:
    try:
        if is_missing_sqlite_file(settings):
            yield ok("database", "SQLite, made at the first start")
            return
        engine = make_engine(settings)
    except VidgenError as error:
        yield problem("database", error.message, "see docs/operations.md, VIDGEN_DATABASE_URL")
        return
    try:
        with reading(engine) as session:
            before = time.time()
            now = database_now(session)
            skew = now - (before + time.time()) / 2
        yield ok("database", database_name(settings))
        yield from _revision(engine)
        yield _skew(skew)
    except SQLAlchemyError as error:
        told = masked(str(getattr(error, "orig", error)).strip().partition("\n")[0])
        yield problem("database", f"does not answer: {told}", "start it, or correct VIDGEN_DATABASE_URL")
    finally:
        engine.dispose()


def _revision(engine: Engine) -> Iterator[Finding]:
    newest = newest_revision()
    try:
        with reading(engine) as session:
            found = current_revision(session)
    except SQLAlchemyError:
        found = None
    if found == newest:
        yield ok("migrations", newest)
        yield _workers(engine)
    elif found is None or found < newest:
        yield warning("migrations", f"at {found or 'nothing'}, not {newest}", "`vidgen up`, `web` and `worker` migrate")
    else:
        remedy = "upgrade vidgen here; an older version must not work on a newer database"
        yield problem("migrations", f"at {found}, newer than this version's {newest}", remedy)


def _workers(engine: Engine) -> Finding:
    seen = len(Presence(engine).alive(SEEN_SECONDS))
    if seen:
        return ok("workers", f"{seen} seen in the last {SEEN_SECONDS:.0f} s")
    return warning("workers", "none runs now; jobs are kept and wait", "vidgen up, or vidgen worker")


def _skew(seconds: float) -> Finding:
    if abs(seconds) <= SKEW_SECONDS:
        return ok("clock", f"{abs(seconds):.2f} s from the database's")
    # leases obey the database's clock alone; links and webhook timestamps do not
    told = f"this machine and the database differ by {abs(seconds):.0f} s: links and webhooks look old or not yet valid"
    return warning("clock", told, "synchronise both with NTP")

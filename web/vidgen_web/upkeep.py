"""What must go on although no worker is up.

Leases end, and with them the jobs whose cancel nobody is left to obey; jobs that nobody takes are told of, and fail at
their deadline; discarded jobs are deleted once they have ended.
"""

import contextlib
import logging
import threading

from sqlalchemy.exc import SQLAlchemyError

from vidgen.jobs.database.session import writing
from vidgen.jobs.state import tallies
from vidgen_web.services import Services

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0


def start_upkeep(services: Services) -> None:
    """Starts the thread; it ends with `services.stopping`. Every worker does the same work, and any number may."""
    threading.Thread(target=_keep_up, args=(services,), name="upkeep", daemon=True).start()


def _keep_up(services: Services) -> None:
    while not services.stopping.wait(min(EVERY_SECONDS, services.settings.lease_seconds / 2)):
        try:
            _look(services)
        except (SQLAlchemyError, OSError) as error:
            # the database is away or busy; the next look may find it back
            log.warning("upkeep: %s; trying again", type(error).__name__)
        except Exception:
            # nobody starts this thread again: one job that nobody foresaw must not end it for all others
            log.exception("upkeep failed unexpectedly; trying again")
            _count(services)


def _count(services: Services) -> None:
    with contextlib.suppress(SQLAlchemyError), writing(services.engine) as session:
        tallies.count(session, tallies.SURPRISES)


def _look(services: Services) -> None:
    lost = services.jobs.expire_leases()
    if lost:
        log.warning("expired leases", extra={"count": lost})
    services.jobs.delete_discarded()
    services.watchdog.look()

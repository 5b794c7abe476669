"""The Celery side: one task that carries nothing, because the row is the job."""

import logging
from typing import Any

from vidgen.jobs.line.pokes import TASK, celery_app
from vidgen.jobs.settings import Settings
from vidgen_workers.supervisor import Supervisor

log = logging.getLogger(__name__)


def make_app(settings: Settings, supervisor: Supervisor) -> Any:
    """The Celery app of this worker, with its task bound to this supervisor."""
    app = celery_app(settings)
    # the pool's threads look the task up in the process's default app
    app.set_default()

    @app.task(name=TASK, shared=False)  # type: ignore[untyped-decorator]
    def work() -> None:
        drain(supervisor)

    return app


def drain(supervisor: Supervisor) -> None:
    """The task's outer edge: a surprise costs this attempt, whose lease runs out, and never the worker."""
    try:
        supervisor.drain()
    except Exception:
        log.exception("task failed")

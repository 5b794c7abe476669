"""The queue as the portal shows it: what runs, what waits in its order, what lately came to nothing."""

from dataclasses import dataclass

from vidgen.jobs.tenants.keys import ADMIN
from vidgen.jobs.tenants.tenancy import LOCAL
from vidgen.jobs.views import Job, QueueState
from vidgen.spec import JobStatus
from vidgen_web.caller import Caller
from vidgen_web.services import Services

SHOWN = 50
ENDED_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One job, with the caller's own waiting jobs above and below it."""

    job: Job
    above: str | None = None
    below: str | None = None

    @property
    def key(self) -> str:
        """Equal while the row's markup is; what scripts change in place (progress) does not count."""
        job = self.job
        marks = (job.status.value, job.attempts, job.version, job.queue_position, job.cancel_requested)
        return "-".join(map(str, (job.id, *marks, job.stop_requested, self.above, self.below)))


@dataclass(frozen=True, slots=True)
class QueuePanel:
    """`not_shown` counts the waiting jobs beyond those in `rows`."""

    rows: list[Row]
    not_shown: int
    state: QueueState
    may_switch: bool
    workers: int

    @property
    def waits_for_a_worker(self) -> bool:
        return not self.workers and any(not row.job.status.is_terminal for row in self.rows)


def queue_panel(found: Services, caller: Caller) -> QueuePanel:
    """The caller's queue."""
    running = found.jobs.list(limit=SHOWN, status=JobStatus.RUNNING).items
    queued = found.jobs.list(limit=SHOWN, status=JobStatus.QUEUED, oldest_first=True)
    waiting = sorted(queued.items, key=lambda job: (job.queue_position or 0, job.created_at))
    counted = found.jobs.counts()[JobStatus.QUEUED] if queued.next_cursor else len(waiting)
    return QueuePanel(
        rows=[*map(Row, reversed(running)), *_in_line(waiting), *map(Row, _ended(found))],
        not_shown=counted - len(waiting),
        state=found.switch.state(),
        may_switch=caller.tenant == LOCAL and caller.may(ADMIN),
        workers=len(found.presence.alive()),
    )


def _in_line(waiting: list[Job]) -> list[Row]:
    ids = [None, *(job.id for job in waiting), None]
    return [Row(job, above, below) for job, above, below in zip(waiting, ids, ids[2:], strict=False)]


def _ended(found: Services) -> list[Job]:
    """The latest jobs that came to nothing, newest first."""
    jobs = [
        job
        for status in (JobStatus.FAILED, JobStatus.CANCELLED)
        for job in found.jobs.list(limit=ENDED_SHOWN, status=status).items
    ]
    return sorted(jobs, key=lambda job: job.finished_at or job.created_at, reverse=True)[:ENDED_SHOWN]

"""What the repository should do, in plain Python: the model that the state machine compares it with."""

from collections.abc import Iterable
from dataclasses import dataclass, field

MAX_ATTEMPTS = 3
TERMINAL = ("succeeded", "failed", "cancelled")


@dataclass
class ModelJob:
    """One job. `place` is its order in the line; `ended` the rounds that ended, each told by one event."""

    id: str
    tenant: str
    priority: int
    place: float
    status: str = "queued"
    attempt: int = 0
    excused: int = 0
    round: int = 0
    version: int = 1
    due: bool = True
    late: bool = False
    deadline: bool = False
    expired: bool = False
    cancel: bool = False
    stop: bool = False
    tier: int = 0
    ended: list[int] = field(default_factory=list)
    chunks: dict[int, str] = field(default_factory=dict)

    @property
    def used(self) -> int:
        return self.attempt - self.excused

    def end(self, status: str) -> None:
        self.status, self.deadline = status, False
        self.ended.append(self.round)

    def wait(self, *, due: bool) -> None:
        self.status, self.due, self.expired = "queued", due, False


class QueueModel:
    """All jobs and the switch."""

    def __init__(self) -> None:
        self.jobs: dict[str, ModelJob] = {}
        self.paused = False
        self.turns: list[str] = []
        self._places = 0

    def next_place(self) -> float:
        self._places += 1
        return float(self._places)

    def next_in_line(self) -> ModelJob | None:
        """Priority, then the tenant with the fewest running, then the one that has waited longest, then the place."""
        if self.paused:
            return None
        ready = [job for job in self.queued() if job.due and not job.late]
        return min(ready, key=lambda job: _turn(job, self._running(job.tenant), self.turns), default=None)

    def line(self) -> list[str]:
        """Who is taken when, if nothing else happens: found by playing it."""
        waiting, running = self.queued(), {job.tenant: self._running(job.tenant) for job in self.jobs.values()}
        order, turns = [], list(self.turns)
        while waiting:
            chosen = min(waiting, key=lambda job: _turn(job, running[job.tenant], turns))
            running[chosen.tenant] += 1
            turns.append(chosen.tenant)
            waiting.remove(chosen)
            order.append(chosen.id)
        return order

    def queued(self, tenant: str | None = None) -> list[ModelJob]:
        return [job for job in self.jobs.values() if job.status == "queued" and tenant in (None, job.tenant)]

    def start(self, job: ModelJob, *, expired: bool) -> None:
        self.turns.append(job.tenant)
        job.status, job.attempt, job.expired, job.deadline = "running", job.attempt + 1, expired, False

    def fail(self, job: ModelJob, code: str, *, retryable: bool) -> None:
        exhausted = code == "out_of_memory" and job.tier == 1
        if job.cancel:
            job.end("cancelled")
        elif retryable and job.used < MAX_ATTEMPTS and not exhausted:
            job.tier = 1 if code == "out_of_memory" else job.tier
            job.wait(due=False)
        else:
            job.end("failed")

    def release(self, job: ModelJob) -> None:
        if job.cancel:
            job.end("cancelled")
            return
        job.excused += 1
        job.wait(due=True)

    def expire(self) -> int:
        lost = [job for job in self.jobs.values() if job.status == "running" and job.expired]
        for job in lost:
            if job.cancel:
                job.end("cancelled")
            elif job.used < MAX_ATTEMPTS:
                job.wait(due=True)
            else:
                job.end("failed")
        return len(lost)

    def fail_late(self) -> int:
        late = [job for job in self.queued() if job.late]
        for job in late:
            job.end("failed")
        return len(late)

    def cancel(self, job: ModelJob) -> None:
        if job.status == "running":
            job.cancel = True
            if job.expired:
                job.end("cancelled")
        elif job.status == "queued":
            job.cancel = True
            job.end("cancelled")

    def retry(self, job: ModelJob) -> None:
        job.round, job.excused, job.place = job.round + 1, job.attempt, self.next_place()
        job.cancel = job.stop = job.late = False
        job.tier = 0
        job.wait(due=True)

    def move(self, job: ModelJob, before: ModelJob | None) -> None:
        """The tenant's jobs of the target's priority keep their places and take them in another order."""
        own = sorted(self.queued(job.tenant), key=_in_line)
        target = own[0] if before is None else before
        if target is not job:
            job.priority = target.priority
            line = [other for other in own if other.priority == target.priority and other is not job]
            at = line.index(target)
            _take_places([*line[:at], job, *line[at:]])
        job.version += 1

    def _running(self, tenant: str) -> int:
        return sum(job.status == "running" and job.tenant == tenant for job in self.jobs.values())


def _turn(job: ModelJob, running: int, turns: list[str]) -> tuple[int, int, int, float]:
    """Small comes first. `turns` are the tenants of all claims, in order."""
    last = max((n for n, tenant in enumerate(turns, 1) if tenant == job.tenant), default=0)
    return -job.priority, running, last, job.place


def _in_line(job: ModelJob) -> tuple[int, float]:
    return -job.priority, job.place


def _take_places(jobs: Iterable[ModelJob]) -> None:
    ordered = list(jobs)
    for job, place in zip(ordered, sorted(job.place for job in ordered), strict=True):
        job.place = place

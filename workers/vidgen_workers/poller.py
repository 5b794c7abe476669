"""Looks at the database for jobs whose poke was lost, or never sent because the broker lives in this process."""

from typing import Any

from vidgen.jobs.line.pokes import QUEUE, TASK
from vidgen.jobs.repository import JobRepository
from vidgen_workers.supervisor import Supervisor
from vidgen_workers.tasks import drain


class Poller:
    """With the broker in this process it sends pokes; else it works itself, so that a dead broker stops nothing."""

    def __init__(self, app: Any, jobs: JobRepository, supervisor: Supervisor, *, embedded: bool) -> None:
        self._app = app
        self._jobs = jobs
        self._supervisor = supervisor
        self._embedded = embedded

    def step(self) -> bool:
        if self._supervisor.busy or not self._jobs.claimable(self._supervisor.capacity):
            return False
        if self._embedded:
            self._app.send_task(TASK, queue=QUEUE, ignore_result=True)
        else:
            drain(self._supervisor)
        return False

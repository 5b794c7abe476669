"""A web server, workers and a client on one control plane, ready to take jobs: the scene of most of these tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.backends import Backend
from tests.faults.client import Client
from tests.faults.fleet import Fleet, Member, fleet
from tests.faults.worker_process import SCRIPT, wait_until
from tests.jobs_fixtures import control_plane
from vidgen.jobs.service import ControlPlane

START_SECONDS = 180.0


@dataclass(frozen=True)
class RunningService:
    plane: ControlPlane
    fleet: Fleet
    client: Client

    @property
    def web(self) -> Member:
        return next(member for member in self.fleet.members if member.name == "web")

    def working(self) -> None:
        """Wait until every worker has said that it is there."""
        count = len(self.fleet.workers)
        wait_until(lambda: self.fleet.logged('"event": "worker started"') >= count, START_SECONDS, "the workers")


@contextmanager
def running_service(
    on: Backend, folder: Path, *, workers: int = 1, script: str = SCRIPT, **settings: Any
) -> Iterator[RunningService]:
    """`settings` are those of `Settings`; the rest is as quick as in all tests. `script`: what each worker runs."""
    with control_plane(folder, broker_url=on.broker_url, **settings) as plane, fleet(plane) as running:
        running.web()
        for _ in range(workers):
            running.worker(script=script)
        service = RunningService(plane, running, Client(running.base))
        wait_until(service.client.is_ready, START_SECONDS, "the web server")
        service.working()
        yield service

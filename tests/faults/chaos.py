"""Strikes at random, but the same strikes for the same seed: what is hit, how, and how long it stays away."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.backends import Backend
from tests.faults.fleet import Fleet, Member
from tests.faults.worker_process import wait_until
from tests.integration.servers import Server

# a strike in this many hits a service that has not come back from the one before
DOUBLE_STRIKES = 4
RECOVERY_SECONDS = 300.0


@dataclass
class Chaos:
    """`strike` once, then again; `counted` says how often what was done to whom. `ready`: the service answers."""

    fleet: Fleet
    backend: Backend
    rng: random.Random
    lease_seconds: float
    ready: Callable[[], bool]
    counted: Counter[str] = field(default_factory=Counter)

    def strike(self) -> str:
        """One fault from begin to end: when it returns every process has been started again. Returns its name.

        Nearly always the next one waits until the service answers. On a slow machine it would never be up otherwise:
        to strike at what is still starting proves little.
        """
        name, fault = self.rng.choice(self._faults())
        fault()
        self.counted[name] += 1
        for member in self.fleet.members:
            member.revive()
        if self.rng.randrange(DOUBLE_STRIKES):
            self.recover()
        time.sleep(self.rng.uniform(0.2, 1.0))
        return name

    def recover(self) -> None:
        """Wait for the service, and start what ends meanwhile: a web server that found no database, for one."""
        wait_until(self._is_back, RECOVERY_SECONDS, "the service's recovery")

    @property
    def kills(self) -> int:
        return sum(count for name, count in self.counted.items() if name.endswith("kill"))

    def _is_back(self) -> bool:
        for member in self.fleet.members:
            member.revive()
        return self.ready()

    def _faults(self) -> list[tuple[str, Callable[[], None]]]:
        """Workers come up twice as often as the rest, because they hold the jobs."""
        web = next(member for member in self.fleet.members if member.name == "web")
        faults: list[tuple[str, Callable[[], None]]] = []
        for worker in self.fleet.workers:
            faults += [
                ("worker kill", worker.kill),
                ("worker kill", worker.kill),
                ("runner kill", lambda worker=worker: self._kill_runner(worker)),
                ("worker stop", lambda worker=worker: self._pause(worker, self.lease_seconds * 1.5)),
                ("worker term", worker.process.terminate),
            ]
        faults += [("web kill", web.kill), ("web term", lambda: _end(web)), ("all kill", self._kill_all)]
        faults += self._server_faults("broker", self.backend.broker)
        faults += self._server_faults("database", self.backend.database)
        return faults

    def _server_faults(self, name: str, server: Server | None) -> list[tuple[str, Callable[[], None]]]:
        if server is None:
            return []
        return [(f"{name} kill", lambda: self._restart(server)), (f"{name} stop", lambda: self._freeze(server))]

    def _kill_runner(self, worker: Member) -> None:
        for pid in worker.family()[1:]:
            os.kill(pid, signal.SIGKILL)

    def _kill_all(self) -> None:
        """As when the machine goes: nobody is left to notice."""
        for member in self.fleet.members:
            member.kill()

    def _pause(self, member: Member, seconds: float) -> None:
        member.signal(signal.SIGSTOP)
        time.sleep(seconds)
        member.signal(signal.SIGCONT)

    def _restart(self, server: Server) -> None:
        server.signal(signal.SIGKILL)
        time.sleep(self.rng.uniform(0.0, 2.0))
        server.start()

    def _freeze(self, server: Server) -> None:
        server.signal(signal.SIGSTOP)
        time.sleep(self.rng.uniform(1.0, self.lease_seconds * 1.5))
        server.signal(signal.SIGCONT)


def _end(member: Member) -> None:
    member.process.terminate()
    member.process.wait(60)

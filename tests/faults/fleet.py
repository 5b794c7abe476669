"""The service as real processes that a test may kill, stop and start again: one web server and any number of workers.

Nobody restarts them behind the test's back; `revive` does what a service manager would.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.worker_process import SCRIPT, is_alive, runner_environment
from tests.integration.servers import children_of, free_port
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.settings import Settings

LINES = 8


@dataclass
class Member:
    """One process of the fleet. `command` starts it; its children (a worker's runner) share its fate."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: "subprocess.Popen[bytes]" = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, env=dict(self.environment), stdout=log, stderr=log)

    def family(self) -> list[int]:
        return [self.pid, *children_of(self.pid)]

    def signal(self, number: int) -> None:
        """To the process and its children, the process last when it goes on, so that no child is found waiting."""
        family = self.family()
        for pid in reversed(family) if number == signal.SIGCONT else family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """SIGKILL to the process alone; that its runner dies with it is vidgen's own doing."""
        self.process.kill()
        self.process.wait()

    def terminate(self, seconds: float = 120.0) -> int:
        self.process.terminate()
        return self.process.wait(seconds)

    def revive(self) -> None:
        if not self.is_running:
            self.start()

    def end(self) -> None:
        """Whatever state it is in, with everything it has started."""
        for pid in reversed(self.family()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


class Fleet:
    """Members share the plane's settings; each may have further environment of its own."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.members: list[Member] = []
        self.port = free_port()
        self._environment = environment_of(plane.settings)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def workers(self) -> list[Member]:
        return [member for member in self.members if member.name.startswith("worker")]

    def web(self, **settings: str) -> Member:
        return self._add(
            "web", [sys.executable, "-m", "vidgen.cli", "web"], {"VIDGEN_PORT": str(self.port), **settings}
        )

    def worker(self, *, script: str = SCRIPT, prefix: Sequence[str] = (), **environment: str) -> Member:
        """A worker with fake renders. `prefix`: a program that starts it, e.g. faketime."""
        return self._add(f"worker-{len(self.workers)}", [*prefix, sys.executable, "-c", script], environment)

    def logged(self, text: str) -> int:
        """How often `text` stands in what all members have logged."""
        return sum(member.log.read_text(errors="replace").count(text) for member in self.members)

    def _add(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Member:
        log = self.plane.settings.data_dir / f"{name}.log"
        member = Member(name, command, {**self._environment, **environment}, log)
        self.members.append(member)
        return member


@contextmanager
def fleet(plane: ControlPlane) -> Iterator[Fleet]:
    """An empty fleet; whatever was added to it is killed at the end."""
    started = Fleet(plane)
    try:
        yield started
    except BaseException:
        for member in started.members:
            print(f"--- the end of what {member.name} said", *member.log.read_text().splitlines()[-LINES:], sep="\n")
        raise
    finally:
        for member in started.members:
            member.end()


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment in which a process has these settings."""
    values = {}
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        values[f"VIDGEN_{name.upper()}"] = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    values["VIDGEN_DATABASE_URL"] = settings.resolved_database_url
    return {**os.environ, **values, "PYTHONPATH": runner_environment()}


def all_dead(pids: Sequence[int]) -> bool:
    return not any(is_alive(pid) for pid in pids)

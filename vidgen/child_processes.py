"""The processes that `vidgen up` keeps running: started again when they die, and what a dead worker held given back."""

import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType

from sqlalchemy.exc import SQLAlchemyError

from vidgen.jobs.service import open_control_plane
from vidgen.jobs.settings import Settings, unknown_variables

RESTART_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
# a busy machine takes as long to import a process that then ends at once
START_SECONDS = 60.0
PR_SET_PDEATHSIG = 1
STOP_SECONDS = 20.0


class Child:
    """One process of the service and when it was started."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._pause = RESTART_PAUSE_SECONDS
        self._first = True
        self._due: float | None = None
        self._start()

    @property
    def exit_code(self) -> int | None:
        return self.process.poll()

    def is_hopeless(self) -> bool:
        """It ended by itself, with an error, right after the service's start; one that was killed gets another chance.

        So does one that ran once and cannot come back yet, as while the database is away: the other may be at work.
        """
        return self._first and (self.exit_code or 0) > 0 and time.monotonic() - self._started < START_SECONDS

    def look_after(self) -> None:
        """Start it again when it has ended, after a pause; never waits itself, as a stop must not wait for it.

        The pause grows from time to time, so that a process which keeps dying does not keep the machine busy.
        """
        if self.exit_code is None:
            return
        now = time.monotonic()
        if self._due is None:
            print(f"{self.name} ended with code {self.exit_code}; starting it again", file=sys.stderr)
            self.has_ended()
            self._first, self._due = False, now + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
        elif now >= self._due:
            self._due = None
            self._start()

    def has_ended(self) -> None:
        """What is to be done at once when it has."""

    def arguments(self) -> Sequence[str]:
        """What follows `vidgen` on its command line; asked at every start."""
        return [self.name]

    def _start(self) -> None:
        unknown = unknown_variables()
        known = {name: value for name, value in os.environ.items() if name not in unknown}
        # a process group of its own: Ctrl+C reaches the launcher alone, which then stops its children in order
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vidgen.cli", *self.arguments()],
            env=known,  # what the launcher has warned of, it warns of once
            start_new_session=True,
            preexec_fn=_end_with_launcher,
        )
        self._started = time.monotonic()


class Worker(Child):
    """Its jobs carry a name that the launcher gave it, and go back to the queue the moment it is known to be dead."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._owner = ""
        super().__init__("worker")

    def arguments(self) -> Sequence[str]:
        # anew at every start: a job that was given back must not be taken for one of the worker that follows
        self._owner = f"{socket.gethostname()}-up-{secrets.token_hex(8)}"
        return [self.name, "--name", self._owner]

    def has_ended(self) -> None:
        # a database that does not answer must hold up nobody here
        threading.Thread(target=bury, args=(self._settings, self._owner), name="bury", daemon=True).start()


def _end_with_launcher() -> None:
    """On Linux the kernel sends SIGTERM when the launcher dies, however it dies; the port is free again then."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class StopSignal:
    """Remembers that SIGINT or SIGTERM came."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._remember)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.asked = True


def stop_all(children: "Sequence[Child]") -> None:
    """SIGTERM to each, and SIGKILL to who does not heed it."""
    processes = [child.process for child in children]
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def bury(settings: Settings, owner: str) -> None:
    """Give back the jobs of a worker that has died. Where the database cannot be asked, their leases run out."""
    plane = open_control_plane(settings)
    try:
        plane.jobs.bury(owner)
        plane.presence.leave(owner)
    except SQLAlchemyError as error:
        print(f"the worker's job waits for its lease to run out ({type(error).__name__})", file=sys.stderr)
    finally:
        plane.engine.dispose()

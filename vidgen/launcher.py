"""Starts the service's processes. It knows their names, not their insides: web and worker stay strangers."""

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
from importlib import import_module
from types import FrameType

from sqlalchemy.exc import SQLAlchemyError

from vidgen.errors import VidgenError
from vidgen.jobs.keys import KeyRepository
from vidgen.jobs.service import open_control_plane
from vidgen.jobs.session import make_engine, migrate
from vidgen.jobs.settings import Settings, load_settings, unknown_variables

RESTART_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
# a busy machine takes as long to import a process that then ends at once
START_SECONDS = 60.0
PR_SET_PDEATHSIG = 1
STOP_SECONDS = 20.0
POLL_SECONDS = 0.2


def run_web() -> None:
    """The web process, in this process."""
    settings = load_settings()
    tell_unknown_variables()
    migrate(settings)
    show_first_key(settings)
    import_module("vidgen_web.serve").main(settings)


def run_worker(name: str | None = None) -> int:
    """One worker process, in this process; returns its exit code. `name`: what its jobs say that they belong to."""
    settings = load_settings()
    tell_unknown_variables()
    migrate(settings)
    code: int = import_module("vidgen_workers.main").run_worker(settings, name=name)
    return code


def run_service(settings: Settings) -> int:
    """Web and worker as child processes until a signal comes; one that dies is started again.

    The database is migrated once, before either starts. Returns 0 after a clean stop, and the exit code of a child
    that ends by itself as soon as it is first started. Raises VidgenError address_unavailable, before anything starts.
    """
    tell_unknown_variables()
    check_port(settings)
    migrate(settings)
    show_first_key(settings)
    stop = _StopSignal()
    children = [_Child("web"), _Worker(settings)]
    try:
        while not stop.asked:
            for child in children:
                if child.is_hopeless():
                    print(f"{child.name} cannot start (exit code {child.exit_code}); see above", file=sys.stderr)
                    return child.exit_code or 1
                child.look_after()
            stop.wait(POLL_SECONDS)
    finally:
        _stop([child.process for child in children])
    return 0


def check_port(settings: Settings) -> None:
    """Raise VidgenError address_unavailable when another program has the port, as a second `vidgen up` would find."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        with socket.create_server((settings.host, settings.port), family=family):
            pass
    except OSError as error:
        raise VidgenError(
            f"{settings.host}:{settings.port} cannot be used ({error.strerror}); is vidgen running already? "
            "Else set VIDGEN_PORT to a free port",
            code="address_unavailable",
        ) from error


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


def tell_unknown_variables() -> None:
    """Say which VIDGEN_… variables are none of ours, and what was probably meant."""
    for name, nearest in unknown_variables().items():
        meant = f"; did you mean {nearest}?" if nearest else ""
        print(f"warning: {name} is not a setting and does nothing{meant}", file=sys.stderr, flush=True)


def show_first_key(settings: Settings) -> None:
    """Make the first API key of a new service and say where it lies; a person at a terminal also sees it, this once."""
    engine = make_engine(settings)
    try:
        file = KeyRepository(engine).create_first(settings.data_dir)
    finally:
        engine.dispose()
    if file is not None:
        # what is not a terminal is a log, and logs hold no secrets
        shown = f": {file.read_text()}" if sys.stdout.isatty() else ""
        needed = "; programs on this machine need none" if settings.auth == "local" else ""
        print(f"an API key was made{needed}; it is kept in {file}{shown}", flush=True)


class _Child:
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
        known = {name: value for name, value in os.environ.items() if name not in unknown_variables()}
        # a process group of its own: Ctrl+C reaches the launcher alone, which then stops its children in order
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vidgen.cli", *self.arguments()],
            env=known,  # what the launcher has warned of, it warns of once
            start_new_session=True,
            preexec_fn=_end_with_launcher,
        )
        self._started = time.monotonic()


class _Worker(_Child):
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


class _StopSignal:
    """Remembers that SIGINT or SIGTERM came."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._remember)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._asked.set()

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def wait(self, seconds: float) -> None:
        """Until a signal comes, and no longer than that."""
        self._asked.wait(seconds)


def _stop(children: "list[subprocess.Popen[bytes]]") -> None:
    for child in children:
        child.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

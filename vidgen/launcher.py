"""Starts the service's processes. It knows their names, not their insides: web and worker stay strangers."""

import ctypes
import signal
import subprocess
import sys
import time
from importlib import import_module
from types import FrameType

from vidgen.jobs.keys import KeyRepository
from vidgen.jobs.session import make_engine, migrate
from vidgen.jobs.settings import Settings, load_settings

RESTART_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
START_SECONDS = 10.0
PR_SET_PDEATHSIG = 1
STOP_SECONDS = 20.0
POLL_SECONDS = 0.2


def run_web() -> None:
    """The web process, in this process."""
    settings = load_settings()
    migrate(settings)
    show_first_key(settings)
    import_module("vidgen_web.serve").main(settings)


def run_worker() -> int:
    """One worker process, in this process; returns its exit code."""
    settings = load_settings()
    migrate(settings)
    code: int = import_module("vidgen_workers.main").run_worker(settings)
    return code


def run_service(settings: Settings) -> int:
    """Web and worker as child processes until a signal comes; one that dies is started again.

    The database is migrated once, before either starts. Returns 0 after a clean stop, and the exit code of a child
    that ends by itself as soon as it is first started: a port that is taken will not be free a second later.
    """
    migrate(settings)
    show_first_key(settings)
    stop = _StopSignal()
    children = [_Child(name) for name in ("web", "worker")]
    try:
        while not stop.asked:
            for child in children:
                if child.is_hopeless():
                    print(f"{child.name} cannot start (exit code {child.exit_code}); see above", file=sys.stderr)
                    return child.exit_code or 1
                if child.exit_code is not None and not stop.asked:
                    print(f"{child.name} ended with code {child.exit_code}; starting it again", file=sys.stderr)
                    child.start_again()
            time.sleep(POLL_SECONDS)
    finally:
        _stop([child.process for child in children])
    return 0


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
        print(f"an API key was made; it is kept in {file}{shown}", flush=True)


class _Child:
    """One process of the service and when it was started."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._pause = RESTART_PAUSE_SECONDS
        self._first = True
        self._start()

    @property
    def exit_code(self) -> int | None:
        return self.process.poll()

    def is_hopeless(self) -> bool:
        """It ended by itself, with an error, right after the service's start; one that was killed gets another chance.

        So does one that ran once and cannot come back yet, as while the database is away: the other may be at work.
        """
        return self._first and (self.exit_code or 0) > 0 and time.monotonic() - self._started < START_SECONDS

    def start_again(self) -> None:
        """Wait longer from time to time, so that a process which keeps dying does not keep the machine busy."""
        self._first = False
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
        self._start()

    def _start(self) -> None:
        # a process group of its own: Ctrl+C reaches the launcher alone, which then stops its children in order
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vidgen.cli", self.name], start_new_session=True, preexec_fn=_end_with_launcher
        )
        self._started = time.monotonic()


def _end_with_launcher() -> None:
    """On Linux the kernel sends SIGTERM when the launcher dies, however it dies; the port is free again then."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class _StopSignal:
    """Remembers that SIGINT or SIGTERM came."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._remember)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.asked = True


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

"""Starts the service's processes. It knows their names, not their insides: web and worker stay strangers."""

import signal
import subprocess
import sys
import time
from importlib import import_module
from types import FrameType

from vidgen.jobs.session import migrate
from vidgen.jobs.settings import Settings, load_settings

RESTART_PAUSE_SECONDS = 1.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.2


def run_web() -> None:
    """The web process, in this process."""
    settings = load_settings()
    migrate(settings)
    import_module("vidgen_web.serve").main(settings)


def run_worker() -> int:
    """One worker process, in this process; returns its exit code."""
    settings = load_settings()
    migrate(settings)
    code: int = import_module("vidgen_workers.main").run_worker(settings)
    return code


def run_service(settings: Settings) -> int:
    """Web and worker as child processes until a signal comes; one that dies is started again.

    The database is migrated once, before either starts. Returns 0 after a clean stop.
    """
    migrate(settings)
    stop = _StopSignal()
    children = {name: _start(name) for name in ("web", "worker")}
    try:
        while not stop.asked:
            for name, child in children.items():
                if child.poll() is not None and not stop.asked:
                    print(f"{name} ended with code {child.returncode}; starting it again", file=sys.stderr)
                    time.sleep(RESTART_PAUSE_SECONDS)
                    children[name] = _start(name)
            time.sleep(POLL_SECONDS)
    finally:
        _stop(list(children.values()))
    return 0


class _StopSignal:
    """Remembers that SIGINT or SIGTERM came."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._remember)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.asked = True


def _start(name: str) -> "subprocess.Popen[bytes]":
    # a process group of its own: Ctrl+C reaches this process alone, which then stops the children in order
    return subprocess.Popen([sys.executable, "-m", "vidgen.cli", name], start_new_session=True)


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

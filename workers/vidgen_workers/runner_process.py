"""The supervisor's handle on its runner process: start it, talk to it, and end it for certain."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import BinaryIO

from vidgen.telemetry.logs import LogFormat
from vidgen_workers.protocol import Cancel, EndEarly, Exited, Message, Run, decode, encode
from vidgen_workers.runner import DEFAULT_RENDER

log = logging.getLogger(__name__)

KILL_SECONDS = 5.0


class RunnerProcess:
    """Lives from job to job, so that models stay loaded; a new one is started when the old one is gone.

    Start it from a thread that lives as long as it shall: on Linux the runner dies with the thread that started it.
    """

    def __init__(
        self,
        render: str = DEFAULT_RENDER,
        models: Sequence[Path] = (),
        log_format: LogFormat = "auto",
        log_level: str = "INFO",
    ) -> None:
        self._render = render
        self._models = models
        self._logging = ["--log-format", log_format, "--log-level", log_level]
        self._process: subprocess.Popen[bytes] | None = None
        self._inbox: SimpleQueue[Message] = SimpleQueue()

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def returncode(self) -> int | None:
        """Negative: the signal that killed it."""
        return None if self._process is None else self._process.poll()

    def run(self, run: Run) -> None:
        """Send a job, to a new process if need be. A process that dies over it shows as Exited in `receive`."""
        if self._process is None or self._process.poll() is not None:
            self._start()
        self._send(run)

    def cancel(self) -> None:
        self._send(Cancel())

    def end_early(self) -> None:
        """Ask for an end after the chunk in hand."""
        self._send(EndEarly())

    def receive(self, seconds: float) -> Message | None:
        """The next message, or None when none came in time."""
        try:
            return self._inbox.get(timeout=seconds)
        except Empty:
            return None

    def wait(self, seconds: float) -> int | None:
        """Its exit code once its pipe has closed; None when it lives on without it."""
        if self._process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.returncode

    def terminate(self) -> None:
        """SIGTERM to its whole process group."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to its whole process group, and wait until it is gone and its memory free."""
        if self._process is None:
            return
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._close()

    def stop(self) -> None:
        """TERM, and KILL if that does not help at once. Does nothing without a process."""
        if self._process is None:
            return
        self.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(KILL_SECONDS)
        self.kill()

    def _start(self) -> None:
        self._close()
        self._inbox = SimpleQueue()
        command = [
            sys.executable,
            "-m",
            "vidgen_workers.runner",
            "--parent",
            str(os.getpid()),
            "--render",
            self._render,
            *self._logging,
        ]
        for folder in self._models:
            command += ["--models", str(folder)]
        # its own session: a signal to the group reaches its children too, and the terminal's Ctrl+C does not
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        assert self._process.stdout is not None
        pump = threading.Thread(
            target=_pump, args=(self._process.stdout, self._inbox), name="runner-answers", daemon=True
        )
        pump.start()
        log.info("runner started")

    def _send(self, message: Message) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        # a broken pipe means that it has died, and `receive` says so
        with contextlib.suppress(OSError, ValueError):
            process.stdin.write(encode(message))
            process.stdin.flush()

    def _signal(self, number: int) -> None:
        # while it has not been waited for, its id cannot have been given to somebody else
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _close(self) -> None:
        if self._process is None:
            return
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._process.wait()
        self._process = None


def _pump(answers: BinaryIO, inbox: "SimpleQueue[Message]") -> None:
    """Move the runner's answers into the inbox until the pipe closes."""
    with answers:
        for line in answers:
            try:
                inbox.put(decode(line))
            except ValueError:
                log.error("the runner wrote something that is no message")
    inbox.put(Exited())

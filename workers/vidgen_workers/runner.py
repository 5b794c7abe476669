"""The runner: a child process that owns the device and keeps the models. It knows no database and no network.

`python -m vidgen_workers.runner --parent PID [--render module:function] [--models FOLDER …]`
It reads messages (protocol.py) from stdin, answers on what was its stdout, and dies with its worker.
"""

import argparse
import ctypes
import errno
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

from vidgen.errors import Cancelled, VidgenError
from vidgen.runtime.chunks import ChunkStore, CommittedChunk, FolderChunkStore, MemoryChunkStore
from vidgen.runtime.context import RunContext
from vidgen.runtime.lent_chunks import LendingChunkStore
from vidgen.runtime.threads import wait_without_spinning
from vidgen.spec import JOB_SPEC, MemoryTier, Progress
from vidgen.telemetry import context
from vidgen.telemetry.logs import log_to_stderr
from vidgen_models.registry import ModelRegistry
from vidgen_workers.protocol import (
    Cancel,
    ChunkDone,
    EndEarly,
    Failed,
    Finished,
    Message,
    Repairing,
    Reported,
    Run,
    WasCancelled,
    decode,
    encode,
)

log = logging.getLogger(__name__)

DEFAULT_RENDER = "vidgen_workers.work:work"
PR_SET_PDEATHSIG = 1
# no room, no quota left, and a limit on the size of a file
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
OUT_OF_MEMORY_WORDS = ("can't allocate memory", "Cannot allocate memory", "std::bad_alloc", "out of memory")
# (resolved spec, context, folder for the files, residency) → something with .files
Render = Callable[[Any, RunContext, Path, Any], Any]


class Runner:
    """Runs one job after the other in the main thread, while another thread listens for cancels."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO, render: Render, residency: object) -> None:
        self._requests = requests
        self._answers = answers
        self._render = render
        self._residency = residency
        self._runs: SimpleQueue[Run] = SimpleQueue()
        self._cancelled = threading.Event()
        self._end_early = threading.Event()

    def serve(self) -> None:
        """Never returns: the process ends when its stdin does."""
        threading.Thread(target=self._listen, name="listen", daemon=True).start()
        while True:
            run = self._runs.get()
            with context.bound(**run.ids):
                self._say(self._outcome(run))

    def _listen(self) -> None:
        for line in self._requests:
            message = decode(line)
            if isinstance(message, Cancel):
                self._cancelled.set()
            elif isinstance(message, EndEarly):
                self._end_early.set()
            elif isinstance(message, Run):
                self._cancelled.clear()
                self._end_early.clear()
                self._runs.put(message)
        # the worker is gone and nobody would take the result; main may be deep in the model, so no exit handlers
        os._exit(0)

    def _outcome(self, run: Run) -> Message:
        """The runner's outer edge: whatever happens in a render becomes an answer."""
        try:
            ctx = self._context(run)
            result = self._render(JOB_SPEC.validate_python(run.spec), ctx, Path(run.out_dir), self._residency)
        except Cancelled:
            return WasCancelled()
        except VidgenError as error:
            return Failed(error.code, error.message, error.retryable)
        except Exception as error:
            log.exception("render failed")
            return _unexpected(error)
        return Finished(tuple(asdict(file) | {"path": str(file.path)} for file in result.files))

    def _context(self, run: Run) -> RunContext:
        folder, lender = run.chunk_dir, None if run.lender is None else Path(run.lender)
        chunks: ChunkStore = MemoryChunkStore() if folder is None else FolderChunkStore(Path(folder), self._committed)
        if lender is not None:
            chunks = LendingChunkStore(chunks, lender)
        return RunContext(
            media={key: Path(path) for key, path in run.media.items()},
            report=self._report,
            cancelled=self._cancelled.is_set,
            chunks=chunks,
            lender=lender,
            stop_requested=self._end_early.is_set,
            memory_tier=MemoryTier(run.memory_tier),
            repairing=self._repairing,
        )

    def _committed(self, chunk: CommittedChunk) -> None:
        self._say(ChunkDone(chunk.n, chunk.key, chunk.sha256, chunk.seed, chunk.size, chunk.about))

    def _repairing(self, repair: Mapping[str, Any]) -> None:
        self._say(Repairing(repair))

    def _report(self, progress: Progress) -> None:
        self._say(Reported.of(progress))

    def _say(self, message: Message) -> None:
        # only the main thread writes, so lines never mix
        self._answers.write(encode(message))
        self._answers.flush()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="vidgen_workers.runner")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--render", default=DEFAULT_RENDER)
    parser.add_argument("--models", type=Path, action="append", default=[])
    parser.add_argument("--log-format", choices=("auto", "json", "text"), default="auto")
    parser.add_argument("--log-level", default="INFO")
    options = parser.parse_args(arguments)
    die_with(options.parent)
    wait_without_spinning()
    log_to_stderr(options.log_format, options.log_level)
    answers = _take_stdout()
    module_name, _, function = options.render.partition(":")
    module = import_module(module_name)
    residency = module.Residency(ModelRegistry(*options.models)) if hasattr(module, "Residency") else None
    Runner(sys.stdin.buffer, answers, getattr(module, function), residency).serve()


def die_with(parent: int) -> None:
    """On Linux the kernel kills this process when its parent dies, even while the model holds Python's lock.

    Elsewhere the end of stdin does it a little later.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we asked
            os._exit(0)


def _take_stdout() -> BinaryIO:
    """Keep the pipe for the protocol and send everybody else's prints to stderr."""
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return pipe


def _unexpected(error: Exception) -> Failed:
    if _wants_memory(error):
        return Failed("out_of_memory", "the device ran out of memory: ask for fewer frames or a smaller size", True)
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return Failed("storage_failed", f"the result could not be stored ({os.strerror(error.errno)})", True)
    # the text of an unexpected error may hold paths of this machine, so only its kind is told
    return Failed("internal_error", f"the render failed unexpectedly ({type(error).__name__})", False)


def _wants_memory(error: Exception) -> bool:
    # by name, because this module loads no torch; its out-of-memory error may come from outside on_device
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    # on a CPU torch and oneDNN say it in words only
    return isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY_WORDS)


if __name__ == "__main__":
    main()

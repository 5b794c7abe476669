"""What the worker's background threads do for others, and that none holds up another."""

import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.faults.worker_process import wait_until
from vidgen.jobs.files.cleaning import Cleaner
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.views import Capacity
from vidgen_workers import main
from vidgen_workers.supervisor import Supervisor


def test_a_slow_sweep_does_not_make_the_worker_look_dead(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when the thread that writes the presence also cleans: tried."""
    sweeping, done = threading.Event(), threading.Event()
    beats: list[str] = []

    def sweep(*_: object, **__: object) -> int:
        sweeping.set()
        assert done.wait(20)
        return 0

    def beat(owner: str, *_: object) -> None:
        beats.append(owner)

    monkeypatch.setattr(Cleaner, "clean", sweep)
    monkeypatch.setattr(plane.presence, "beat", beat)
    monkeypatch.setattr(main, "EVERY_SECONDS", 0.01)
    supervisor = SimpleNamespace(owner="w", current_job=None, capacity=Capacity(), busy=True, request_stop=list)
    threads = main._threads(plane, cast(Any, None), cast(Supervisor, supervisor))
    chosen = [thread for thread in threads if thread.name in ("reconciler", "housekeeping")]
    for thread in chosen:
        thread.start()
    try:
        assert sweeping.wait(20)
        seen = len(beats)
        wait_until(lambda: len(beats) > seen + 2)
    finally:
        done.set()
        main._stop(chosen)

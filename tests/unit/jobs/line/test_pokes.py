import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.jobs_fixtures import make_settings
from vidgen.jobs.line.pokes import celery_app, poke
from vidgen.jobs.service import ControlPlane


def test_a_poke_of_the_in_process_broker_starts_nothing(tmp_path: Path) -> None:
    before = threading.active_count()
    poke(make_settings(tmp_path))
    assert threading.active_count() == before


def test_a_poke_at_a_broker_that_hangs_returns_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = make_settings(tmp_path, broker_url=f"amqp://127.0.0.1:{silent.getsockname()[1]}//")
        started = time.monotonic()
        for _ in range(20):
            poke(settings)
        assert time.monotonic() - started < 10.0  # it never answers one
        assert [thread.name for thread in threading.enumerate()].count("poke") <= 1
    join_pokes()


def join_pokes() -> None:
    for thread in threading.enumerate():
        if thread.name == "poke":
            thread.join(10)
            assert not thread.is_alive()


def test_a_poke_at_a_dead_broker_is_only_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    poke(make_settings(tmp_path, broker_url=f"amqp://user:canary@127.0.0.1:{port}//"))
    join_pokes()
    assert "poke lost" in caplog.text
    assert "canary" not in caplog.text


def test_celery_is_set_up_to_lose_nothing_that_the_lease_does_not_bring_back(tmp_path: Path) -> None:
    app = celery_app(make_settings(tmp_path))
    assert app.conf.task_acks_late is False
    assert app.conf.result_backend is None
    assert app.conf.accept_content == ["json"]
    assert app.conf.worker_prefetch_multiplier == 1


def test_the_control_plane_loads_no_engine_and_no_celery() -> None:
    program = (
        "import sys, vidgen.jobs.service, vidgen.jobs.line.pokes\n"
        "import vidgen.jobs.webhooks.outbox, vidgen.jobs.files.cleaning\n"
        "print(sorted({'torch', 'av', 'numpy', 'celery', 'kombu', 'flask', 'decord'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_workers_come_and_go(plane: ControlPlane) -> None:
    plane.presence.beat("w1", "job_1")
    plane.presence.beat("w1", None)
    (found,) = plane.presence.alive(within_seconds=5)
    assert (found.id, found.job_id) == ("w1", None)
    assert plane.presence.alive(within_seconds=-1) == ()
    plane.presence.leave("w1")
    assert plane.presence.alive(within_seconds=5) == ()

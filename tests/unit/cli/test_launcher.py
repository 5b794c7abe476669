"""When the launcher gives up, and when it starts a child again. The whole service is driven in tests/faults."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs_fixtures import control_plane, make_settings, queue_job
from vidgen import child_processes
from vidgen.child_processes import Child, bury
from vidgen.errors import VidgenError
from vidgen.jobs.fence import LeaseLost
from vidgen.launcher import run_service, sole_launcher, tell_unknown_variables
from vidgen.spec import JobStatus


class Process:
    """A child that ends at once with a code."""

    def __init__(self, code: int) -> None:
        self._code = code

    def poll(self) -> int:
        return self._code


@pytest.fixture
def codes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The exit codes of the processes to come."""
    to_come: list[int] = []
    monkeypatch.setattr(child_processes, "RESTART_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(child_processes.subprocess, "Popen", lambda *_, **__: Process(to_come.pop(0)))
    yield to_come
    assert not to_come


def test_a_child_that_cannot_start_at_first_ends_the_service(codes: list[int]) -> None:
    codes += [1]
    assert Child("web").is_hopeless()


def test_a_child_that_is_killed_at_first_is_started_again(codes: list[int]) -> None:
    codes += [-9]
    assert not Child("web").is_hopeless()


def test_a_child_that_ran_once_is_started_again_however_often_it_fails(codes: list[int]) -> None:
    """Fails when every quick failure is hopeless: tried; a database away at a restart ended the whole service."""
    codes += [-9, 1, 1]
    child = Child("worker")
    for _ in range(2):
        child.look_after()  # sees that it has ended
        child.look_after()  # its pause is over
        assert child.exit_code == 1
        assert not child.is_hopeless()


def test_nobody_waits_for_the_pause_before_a_restart(codes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when the pause is slept through: a stop would have to wait for it."""
    monkeypatch.setattr(child_processes, "RESTART_PAUSE_SECONDS", 1000.0)
    codes += [-9]
    child = Child("web")
    for _ in range(3):
        child.look_after()  # takes no second process from the list, and returns


def test_an_open_address_without_keys_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when the refusal is left to the web process: tried, a key and a worker were made by then."""
    monkeypatch.setattr("vidgen.launcher.check_port", lambda _: pytest.fail("the refusal comes first"))
    with pytest.raises(VidgenError, match="VIDGEN_AUTH=keys") as caught:
        run_service(make_settings(tmp_path / "data", host="0.0.0.0"))
    assert caught.value.code == "exposed_without_login"
    assert not (tmp_path / "data").exists()


def test_a_port_that_is_taken_is_told_before_anything_starts(tmp_path: Path) -> None:
    """Fails when the port is left to the web process: a worker had started by then."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = make_settings(tmp_path, port=taken.getsockname()[1])
        with pytest.raises(VidgenError, match="is vidgen running already") as caught:
            run_service(settings)
    assert caught.value.code == "address_unavailable"
    assert list(tmp_path.iterdir()) == [], "not even the database is there"


def test_a_second_start_is_told_though_the_port_is_still_free(tmp_path: Path) -> None:
    """Fails when the port alone is looked at: tried; the first web process takes seconds to come to it."""
    settings = make_settings(tmp_path, port=0)
    with sole_launcher(settings), pytest.raises(VidgenError, match="running already"):
        run_service(settings)
    with sole_launcher(settings):
        pass  # it does not outlive its holder


def test_a_misspelled_setting_is_told_at_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VIDGEN_LEASE_SECOND", "1")
    tell_unknown_variables()
    assert "VIDGEN_LEASE_SECOND is not a setting and does nothing; did you mean VIDGEN_LEASE_SECONDS?" in (
        capsys.readouterr().err
    )


def test_the_job_of_a_dead_worker_goes_back_at_once(tmp_path: Path) -> None:
    """Fails when only leases are waited for: tried."""
    with control_plane(tmp_path, lease_seconds=3600.0) as plane:
        queue_job(plane)
        queue_job(plane)
        dead, alive = plane.jobs.claim("dead", 3600), plane.jobs.claim("alive", 3600)
        assert dead is not None
        assert alive is not None
        plane.presence.beat("dead", dead.job_id)
        bury(plane.settings, "dead")
        assert plane.jobs.counts()[JobStatus.QUEUED] == 1
        assert plane.jobs.wishes(alive)
        assert plane.presence.alive() == ()
        with pytest.raises(LeaseLost):
            plane.jobs.heartbeat(dead, 3600)

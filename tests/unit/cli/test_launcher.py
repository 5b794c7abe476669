"""When the launcher gives up, and when it starts a child again. The whole service is driven in tests/faults."""

from collections.abc import Iterator

import pytest

from vidgen import launcher
from vidgen.launcher import _Child


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
    monkeypatch.setattr(launcher, "RESTART_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(launcher.subprocess, "Popen", lambda *_, **__: Process(to_come.pop(0)))
    yield to_come
    assert not to_come


def test_a_child_that_cannot_start_at_first_ends_the_service(codes: list[int]) -> None:
    codes += [1]
    assert _Child("web").is_hopeless()


def test_a_child_that_is_killed_at_first_is_started_again(codes: list[int]) -> None:
    codes += [-9]
    assert not _Child("web").is_hopeless()


def test_a_child_that_ran_once_is_started_again_however_often_it_fails(codes: list[int]) -> None:
    """Fails when every quick failure is hopeless: tried; a database away at a restart ended the whole service."""
    codes += [-9, 1, 1]
    child = _Child("worker")
    for _ in range(2):
        child.start_again()
        assert child.exit_code == 1
        assert not child.is_hopeless()

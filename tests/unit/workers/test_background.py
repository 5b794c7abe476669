import threading

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from vidgen_workers.background import Repeating


@pytest.mark.parametrize("error", [OperationalError("SELECT 1", {}, Exception("away")), PoolTimeout("none is free")])
def test_a_step_is_repeated_after_the_database_was_away(error: Exception) -> None:
    seen, done = [], threading.Event()

    def step() -> bool:
        seen.append(1)
        if len(seen) < 3:
            raise error
        done.set()
        return False

    thread = Repeating("t", step, 0.01)
    thread.start()
    assert done.wait(5)
    thread.stop()
    thread.join(5)


def test_a_step_with_more_to_do_does_not_wait() -> None:
    left, done = list(range(50)), threading.Event()

    def step() -> bool:
        left.pop()
        if not left:
            done.set()
        return bool(left)

    thread = Repeating("t", step, 60)
    thread.start()
    assert done.wait(5)
    thread.stop()
    thread.join(5)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_is_told_and_a_stop_is_not() -> None:
    broken = threading.Event()

    def step() -> None:
        raise ValueError("a bug")

    bug = Repeating("bug", step, 0.01, broken.set)
    bug.start()
    assert broken.wait(5)
    bug.join(5)
    broken.clear()
    fine = Repeating("fine", lambda: None, 0.01, broken.set)
    fine.start()
    fine.stop()
    fine.join(5)
    assert not broken.is_set()

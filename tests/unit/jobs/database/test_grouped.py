"""Writes that share a commit: fewer commits, and each stands or falls alone."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, event, insert, select

from tests.jobs_fixtures import make_spec
from vidgen.errors import VidgenError
from vidgen.jobs.database.grouped import GroupedWrites
from vidgen.jobs.database.session import reading
from vidgen.jobs.database.tables import SwitchRow, WorkerRow, table_of
from vidgen.jobs.service import ControlPlane


@pytest.fixture
def commits(plane: ControlPlane) -> list[int]:
    found: list[int] = []
    event.listen(plane.engine, "commit", lambda _: found.append(1))
    return found


def worker(name: str) -> dict[str, object]:
    return {"id": name, "host": "h", "pid": 1, "started_at": 0.0, "seen_at": 0.0}


def names(plane: ControlPlane) -> set[str]:
    with reading(plane.engine) as session:
        return {row.id for row in session.query(WorkerRow)}


def together(plane: ControlPlane, works: list[Callable[[Connection], object]]) -> list[object]:
    """The outcomes of works that all wait while a first one is under way, and so share the next commit."""
    writes, begun, go_on = GroupedWrites(plane.engine), threading.Event(), threading.Event()

    def first(_: Connection) -> None:
        begun.set()
        assert go_on.wait(20)

    def outcome(work: Callable[[Connection], object]) -> object:
        try:
            return writes.run(work)
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(works) + 1) as pool:
        opening = pool.submit(writes.run, first)
        assert begun.wait(20)
        outcomes = [pool.submit(outcome, work) for work in works]
        while len(writes._waiting) < len(works):
            threading.Event().wait(0.01)
        go_on.set()
        opening.result(20)
        return [it.result(20) for it in outcomes]


def adds(name: str, error: Exception | None = None) -> Callable[[Connection], str]:
    def work(connection: Connection) -> str:
        connection.execute(insert(table_of(WorkerRow)), worker(name))
        if error is not None:
            raise error
        return name

    return work


def test_those_who_wait_share_one_commit(plane: ControlPlane, commits: list[int]) -> None:
    """Fails when each piece is written by itself: tried."""
    assert together(plane, [adds(name) for name in "abcdefgh"]) == list("abcdefgh")
    assert names(plane) == set("abcdefgh")
    assert len(commits) == 2, "the first one alone, then all who waited for it"


def test_a_refusal_takes_back_its_own_piece_only(plane: ControlPlane) -> None:
    """Two guards: its savepoint, and without that the group is written once more, each for itself."""
    refusal = VidgenError("no room", code="queue_full")
    assert together(plane, [adds("a"), adds("b", refusal), adds("c")]) == ["a", refusal, "c"]
    assert names(plane) == {"a", "c"}


def test_a_broken_piece_breaks_no_other(plane: ControlPlane) -> None:
    found = together(plane, [adds("a"), adds("b", ValueError("a bug")), adds("c")])
    assert [found[0], found[2]] == ["a", "c"]
    assert isinstance(found[1], ValueError)
    assert names(plane) == {"a", "c"}


def test_a_failed_commit_is_told_to_all_and_not_done_again(plane: ControlPlane) -> None:
    """Fails when a failed commit is tried again piece by piece: tried, the rows came although all were told no."""
    armed = []

    def fail_once(_: object) -> None:
        if armed:
            armed.clear()
            raise OSError("the disk is gone")

    def arm(connection: Connection) -> None:
        connection.execute(select(table_of(SwitchRow))).one()
        armed.append(1)

    event.listen(plane.engine, "commit", fail_once)
    found = together(plane, [adds("a"), adds("b"), arm])
    assert [type(it) for it in found] == [OSError] * 3
    assert names(plane) == set()


def test_who_waits_for_a_thread_that_is_ended_is_told_no(plane: ControlPlane) -> None:
    """Fails when undone pieces are not failed: tried, waiters were answered with rows that had been rolled back."""
    writes, begun, go_on = GroupedWrites(plane.engine), threading.Event(), threading.Event()
    outcomes: dict[str, object] = {}

    def first(_: Connection) -> None:
        begun.set()
        assert go_on.wait(20)

    def ended(_: Connection) -> None:
        raise SystemExit

    def run(name: str, work: Callable[[Connection], object]) -> None:
        try:
            outcomes[name] = writes.run(work)
        except BaseException as error:
            outcomes[name] = error

    works = {"first": first, "a": adds("a"), "ended": ended, "b": adds("b")}
    threads = [threading.Thread(target=run, args=item) for item in works.items()]
    for count, thread in enumerate(threads):
        thread.start()
        assert begun.wait(20)
        while len(writes._waiting) < count:
            threading.Event().wait(0.01)
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    # one of the three led the group and got the exit itself
    kinds = sorted(type(outcomes[name]).__name__ for name in ("a", "ended", "b"))
    assert kinds == ["BrokenOff", "BrokenOff", "SystemExit"]
    assert names(plane) == set()
    assert writes.run(adds("c")) == "c"


def test_creations_share_commits_and_lose_nothing(plane: ControlPlane, commits: list[int]) -> None:
    def create(_: int) -> str:
        return plane.jobs.create(make_spec(), model_revision="1", max_queued=1000).job.id

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(create, range(48)))
    assert {job.id for job in plane.jobs.list(limit=100).items} == set(made)
    assert len(set(made)) == 48
    assert len(commits) <= 48

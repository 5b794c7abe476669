"""The servers of the fault suite, one set a process, and the figures that its tests measured."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from tests.faults.backends import EACH, Backend, backend

FOLDER = Path(__file__).parent
FIGURE = "figure"
Say = Callable[[str], None]
# for a machine whose other programs make everything several times as slow; what must be quick is asserted by the tests
TIMEOUT_SECONDS = 1800


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == FOLDER and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS))


@pytest.fixture(scope="session")
def opened() -> Iterator[Callable[[str], Backend]]:
    """Backends by name, each started once and kept: those of one test file are asked for in turns."""
    with ExitStack() as stack:
        yield cache(lambda name: stack.enter_context(backend(name)))


@pytest.fixture(scope="session", params=EACH)
def servers(request: pytest.FixtureRequest, opened: Callable[[str], Backend]) -> Backend:
    """Each backend in turn, unless a test names its own."""
    return opened(request.param)


@pytest.fixture
def on(servers: Backend, monkeypatch: pytest.MonkeyPatch) -> Backend:
    """The backend of this test, which `control_plane` makes a fresh database on."""
    if servers.database is not None:
        monkeypatch.setenv("VIDGEN_TEST_POSTGRES", servers.database.url)
    return servers


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Say:
    """Keep a measured figure for the summary at the end of the run, which prints it whether the test fails or not."""
    # properties travel from the process of the test to the one that prints
    return lambda figure: request.node.user_properties.append((FIGURE, f"{request.node.name}: {figure}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    figures = [line for it in reports if it.when == "call" for name, line in it.user_properties if name == FIGURE]
    if figures:
        terminalreporter.section("figures of the fault suite")
        for line in figures:
            terminalreporter.write_line(line)

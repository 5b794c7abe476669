"""The servers of the fault suite, one set a run, and the figures that its tests measured."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.backends import EACH, Backend, backend

FOLDER = Path(__file__).parent
FIGURES = pytest.StashKey[list[str]]()
Say = Callable[[str], None]
# for a machine whose other programs make everything several times as slow; what must be quick is asserted by the tests
TIMEOUT_SECONDS = 1800


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == FOLDER and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS))


@pytest.fixture(scope="session", params=EACH)
def servers(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """Each backend in turn, unless a test names its own."""
    with backend(request.param) as opened:
        yield opened


@pytest.fixture
def on(servers: Backend, monkeypatch: pytest.MonkeyPatch) -> Backend:
    """The backend of this test, which `control_plane` makes a fresh database on."""
    if servers.database is not None:
        monkeypatch.setenv("VIDGEN_TEST_POSTGRES", servers.database.url)
    return servers


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Say:
    """Keep a measured figure for the summary at the end of the run, which prints it whether the test fails or not."""
    figures = request.config.stash.setdefault(FIGURES, [])
    return lambda figure: figures.append(f"{request.node.name}: {figure}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if figures := terminalreporter.config.stash.get(FIGURES, []):
        terminalreporter.section("figures of the fault suite")
        for line in figures:
            terminalreporter.write_line(line)

"""The servers of the fault suite, one set a run, and the figures that its tests measured."""

from collections.abc import Callable, Iterator

import pytest

from tests.faults.backends import EACH, Backend, backend

FIGURES = pytest.StashKey[list[str]]()
Say = Callable[[str], None]


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

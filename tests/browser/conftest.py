"""The real server in a thread, a real headless Chromium, and a worker that the test plays."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.serving import served
from tests.simulated_worker import SimulatedWorker
from vidgen.jobs.database.session import migrate
from vidgen.jobs.service import ControlPlane, open_control_plane
from vidgen.jobs.settings import Settings

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
# generous: what else runs on the machine may hold a browser up, and a passing test waits for nothing
TIMEOUT_MS = 90_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    settings = Settings(data_dir=tmp_path, port=0, webhook_allow_private=("127.0.0.1",))
    migrate(settings)
    plane = open_control_plane(settings)
    yield plane
    plane.engine.dispose()


@pytest.fixture
def worker(plane: ControlPlane) -> SimulatedWorker:
    return SimulatedWorker(plane)


@pytest.fixture
def address(plane: ControlPlane) -> Iterator[str]:
    """Where the server listens."""
    with served(plane.settings) as address:
        yield address


class Watched:
    """A page together with everything that went wrong on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda line: self._heard(line.type, line.text))

    def _heard(self, kind: str, text: str) -> None:
        # a refused request is an answer like any other; the browser logs it all the same
        if kind == "error" and "status of 422" not in text:
            self.faults.append(text)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(TIMEOUT_MS)
    yield context
    context.close()


@pytest.fixture
def page(address: str, context: BrowserContext) -> Iterator[Page]:
    """The studio, loaded; the test fails when its scripts failed or its content policy was broken."""
    watched = Watched(context.new_page())
    watched.page.goto(address)
    yield watched.page
    assert watched.faults == []

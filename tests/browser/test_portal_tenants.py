"""Two tenants of one service, each with a browser of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watched
from tests.browser.test_portal import generate
from tests.simulated_worker import SimulatedWorker
from vidgen.jobs.database.session import migrate
from vidgen.jobs.service import ControlPlane, open_control_plane
from vidgen.jobs.settings import Settings

pytestmark = pytest.mark.browser

SCOPES = ["jobs:read", "jobs:write", "uploads"]


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    """A service that asks for keys."""
    settings = Settings(data_dir=tmp_path, port=0, auth="keys")
    migrate(settings)
    plane = open_control_plane(settings)
    yield plane
    plane.engine.dispose()


def signed_in(browser: Browser, address: str, key: str) -> tuple[Page, Watched]:
    watched = Watched(browser.new_context(viewport={"width": 1280, "height": 900}).new_page())
    page = watched.page
    page.goto(address)
    page.fill("#key", key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#composer")).to_be_visible()
    return page, watched


@pytest.mark.timeout(900)
def test_two_tenants_see_only_their_own(
    browser: Browser, address: str, plane: ControlPlane, worker: SimulatedWorker
) -> None:
    keys = [plane.keys.of(name, "test").create(name, SCOPES).key for name in ("anna", "bert")]
    (anna, heard), (bert, heard_too) = (signed_in(browser, address, key) for key in keys)
    generate(anna, "a cat of anna")
    generate(bert, "a dog of bert")
    for page, other in ((anna, "bert"), (bert, "anna")):
        expect(page.locator("#queue-rows > li")).to_have_count(1)
        assert other not in page.locator("main").inner_text()
    for _ in keys:
        worker.run()
    for page, other in ((anna, "bert"), (bert, "anna")):
        expect(page.locator("#player")).to_be_visible()
        expect(page.locator("#gallery-cards > li")).to_have_count(1)
        assert other not in page.locator("main").inner_text()
    clip = next(job for job in plane.jobs.list().items if "anna" in job.spec.prompt)
    assert bert.goto(f"{address}/jobs/{clip.id}").status == 404
    assert bert.goto(f"{address}/portal/api/artifacts/{clip.artifacts[0].id}").status == 404
    bert.goto(address)
    bert.get_by_role("button", name="Sign out").click()
    expect(bert.get_by_label("API key")).to_be_visible()
    # a refused page is told by the browser's log, too
    assert heard.faults == []
    assert all("404" in fault for fault in heard_too.faults)
    for page in (anna, bert):
        page.context.close()

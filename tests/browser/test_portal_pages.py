"""Every page of the portal under axe-core, which also meets a page's content policy, in the light and in the dark."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watched
from tests.simulated_worker import SimulatedWorker
from vidgen.jobs.gallery import Gallery
from vidgen.jobs.service import ControlPlane

pytestmark = pytest.mark.browser


def pages(plane: ControlPlane, worker: SimulatedWorker, page: Page) -> list[str]:
    """One of everything, and the addresses of all pages that show it."""
    for prompt in ("a cat", "a dog", "a fox"):
        page.fill("#prompt", prompt)
        page.click("#generate")
        expect(page.locator("#queue-rows .queued")).to_be_visible()
        if prompt != "a fox":
            worker.run()
            expect(page.locator("#player")).to_be_visible()
    one, two = (job.id for job in plane.jobs.list().items if job.status == "succeeded")
    waits = plane.jobs.list().items[0].id
    gallery = Gallery(plane.engine)
    gallery.star(one, True)
    gallery.file(one, "Film")
    endpoints = plane.endpoints.of("local", "test")
    hook = endpoints.create("https://example.org/hook", "farm").id
    endpoints.test(hook)
    plane.keys.of("local", "test").create("farm", ["jobs:read"])
    studio = [
        "/",
        "/?mode=image",
        "/?mode=finish",
        "/?mode=story&with=advanced",
        "/?mode=keyframes&with=words",
        "/?mode=extend",
        f"/?edit={waits}",
        f"/?job={one}&compare={two}",
    ]
    settings = ["usage", "model", "keys", "webhooks", f"webhooks/{hook}", "deliveries"]
    single = [f"/jobs/{one}", f"/jobs/{waits}", "/jobs/none", "/sign-in", "/docs"]
    return [*studio, *single, *(f"/settings/{name}" for name in settings)]


@pytest.mark.timeout(900)
def test_axe_finds_nothing_on_any_page(
    page: Page, browser: Browser, address: str, plane: ControlPlane, worker: SimulatedWorker
) -> None:
    """Fails on a field without a label, or a grey that is too light for its ground."""
    paths = pages(plane, worker, page)
    found = []
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme, reduced_motion="reduce", locale="de-DE")
        context.set_default_timeout(120_000)
        watched = Watched(context.new_page())
        # colours are the same few on every page: in the dark, those that use them all
        for path in paths if scheme == "light" else (paths[0], paths[2], paths[8], paths[-2]):
            watched.page.goto(address + path, wait_until="domcontentloaded")
            result = Axe().run(watched.page, options={"resultTypes": ["violations"]})
            assert len(result.response["passes"]) > 10
            found += [
                (scheme, path, fault["id"], fault["nodes"][0]["target"]) for fault in result.response["violations"]
            ]
        assert watched.faults == [] or all("404" in fault for fault in watched.faults)
        context.close()
    assert found == []

"""Every page of the portal under axe-core, which also meets a page's content policy, in the light and in the dark."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Watched
from tests.browser.everything import fill
from tests.serving import served
from vidgen.jobs.database.session import migrate
from vidgen.jobs.service import ControlPlane, open_control_plane
from vidgen.jobs.settings import Settings

pytestmark = pytest.mark.browser

WIDE, MIDDLE, NARROW = 1440, 768, 360
# each page is loaded once; `python -m tests.bench.portal_axe` looks at both colours in every width
LOOKS = (("light", WIDE), ("dark", NARROW))
# so that each stays within its time where many programs share two cores
PARTS = 4


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("service"), port=0)
    migrate(settings)
    plane = open_control_plane(settings)
    yield plane
    plane.engine.dispose()


@pytest.fixture(scope="module")
def paths(plane: ControlPlane) -> dict[str, str]:
    return {"/": "/", **fill(plane)}


@pytest.fixture(scope="module")
def address(plane: ControlPlane) -> Iterator[str]:
    with served(plane.settings) as address:
        yield address


def violations(page: Page, url: str, looks: tuple[tuple[str, int], ...]) -> list[tuple[str, int, str, object]]:
    """What axe finds on the page: colours, width, rule, and the first element that breaks it."""
    page.goto(url, wait_until="load")
    # once a page: half a megabyte of script
    page.evaluate(Axe().axe_script)
    found = []
    for scheme, width in looks:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 900})
        answer = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
        assert len(answer["passes"]) > 10
        found += [(scheme, width, it["id"], it["nodes"][0]["target"]) for it in answer["violations"]]
    return found


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_axe_finds_nothing_on_any_page(browser: Browser, address: str, paths: dict[str, str], part: int) -> None:
    """Fails on a field without a label, or a grey that is too light for its ground."""
    context = browser.new_context(reduced_motion="reduce", locale="de-DE")
    context.set_default_timeout(120_000)
    watched = Watched(context.new_page())
    looked_at = [*paths.items()][part::PARTS]
    found = {name: violations(watched.page, address + path, LOOKS) for name, path in looked_at}
    assert {name: faults for name, faults in found.items() if faults} == {}
    assert len(found) >= 6
    assert all("404" in fault for fault in watched.faults)
    context.close()

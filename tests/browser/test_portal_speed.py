"""What a person would feel as a hitch: work that keeps the page's main thread busy, and things that jump."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.main_thread import watched
from tests.simulated_worker import SimulatedWorker
from vidgen.spec import TextToVideo

pytestmark = pytest.mark.browser

LONG_TASK_MS = 50
# share of the page, by the browser's own sum; letters that settle by a pixel are a hundred times less
MOVED = 0.002
SHIFTS = """() => {
  window.shifts = [];
  const add = (it) => shifts.push([it.value, ...it.sources.map((source) => source.node?.className ?? "")]);
  new PerformanceObserver((list) => list.getEntries().forEach(add)).observe({ type: "layout-shift", buffered: true });
}"""


def test_no_task_of_the_composer_is_long(page: Page, browser: Browser) -> None:
    """In processor time. Fails when a keystroke keeps the page busy for 80 ms."""
    page.get_by_role("button", name="When it is made").click()
    expect(page.locator("#section-finish")).to_be_visible()
    with watched(browser, page) as tasks:
        page.locator("#prompt").press_sequentially("a cat rides over the sea")
        page.locator("label[for=task-storyboard]").click()
        page.locator("label[for=task-text-to-video]").click()
        page.get_by_label("Larger frames").check()
        expect(page.locator("#prompt-remark")).to_be_visible()
    assert len(tasks.times) > 100
    assert tasks.longest < LONG_TASK_MS, f"{tasks.longest:.0f} ms"


def test_nothing_moves_while_the_page_opens(page: Page, address: str, worker: SimulatedWorker) -> None:
    """With a clip in the viewer. Fails when a script and not the style says what works without scripts only:
    tried, 0.01."""
    spec = TextToVideo(prompt="a cat", width=64, height=64, num_frames=9, fps=8, seed=1)
    worker.plane.jobs.create(spec, model_revision="1", max_queued=9)
    worker.run()
    page.add_init_script(f"({SHIFTS})()")
    page.goto(address, wait_until="load")
    page.wait_for_function("() => document.getElementById('player')?.currentTime > 0")
    shifts = page.evaluate("() => shifts")
    assert sum(share for share, *_ in shifts) < MOVED, shifts

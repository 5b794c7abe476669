"""What a person would feel as a hitch: work that keeps the page's main thread busy at a stretch."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.main_thread import watched

pytestmark = pytest.mark.browser

LONG_TASK_MS = 50


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

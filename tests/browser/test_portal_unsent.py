"""What was not sent stays, what failed is told, and the gallery shows what is searched for."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.test_portal import generate
from tests.simulated_worker import SimulatedWorker

pytestmark = pytest.mark.browser


def test_what_was_not_sent_stays(page: Page, worker: SimulatedWorker, address: str) -> None:
    """After Back, a reload, an edit and Delete; sent it is no longer kept. Fails without static/unsent.js: tried."""
    generate(page)
    worker.run()
    expect(page.locator("#gallery-cards > li")).to_have_count(1)
    page.fill("#prompt", "a rocket, not yet sent")
    page.get_by_role("button", name="Sampling").click()
    page.fill('[name="advanced.shift"]', "2")
    page.reload()
    expect(page.locator("#prompt")).to_have_value("a rocket, not yet sent")
    expect(page.locator('[name="advanced.shift"]')).to_have_value("2")
    page.click("#gallery-cards a")
    page.go_back()
    expect(page.locator("#prompt")).to_have_value("a rocket, not yet sent")
    page.goto(f"{address}/settings")
    page.go_back()
    expect(page.locator("#prompt")).to_have_value("a rocket, not yet sent")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_text("Info", exact=True).click()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#gallery-cards > li")).to_have_count(0)
    expect(page.locator("#viewer")).to_contain_text("What shall move?")
    expect(page.locator("#prompt")).to_have_value("a rocket, not yet sent")
    page.click("#generate")
    expect(page.locator("#queue-rows > li")).to_have_count(1)
    page.fill("#prompt", "the next one")
    page.get_by_label("More: a rocket, not yet sent").click()
    page.locator("details.menu[open]").get_by_text("Edit", exact=True).click()
    expect(page.locator("#prompt")).to_have_value("a rocket, not yet sent")
    page.get_by_role("link", name="Leave it as it is").click()
    expect(page.locator("#prompt")).to_have_value("the next one")
    page.click("#generate")
    expect(page.locator("#queue-rows > li")).to_have_count(2)
    page.goto(address)
    expect(page.locator("#prompt")).to_have_value("")


def test_a_service_that_does_not_answer_is_told(context: BrowserContext, address: str, worker: SimulatedWorker) -> None:
    """With what to do, and until it answers again. Fails when the failure is swallowed: tried, in each of them."""
    page = context.new_page()
    page.goto(address)
    generate(page)
    worker.run()
    expect(page.locator("#gallery-cards > li")).to_have_count(1)
    trouble = page.locator("#trouble")
    page.fill("#prompt", "mine")
    says = "did not answer. Nothing was changed; try again in a moment"
    context.set_offline(True)
    page.click("#reuse")
    expect(trouble).to_be_visible()
    expect(trouble).to_contain_text(says)
    trouble.get_by_role("button", name="Close").click()
    expect(trouble).to_be_hidden()
    expect(page.locator("#prompt")).to_have_value("mine")
    page.locator("#gallery-cards .star").click()
    expect(trouble).to_be_visible()
    expect(trouble).to_contain_text(says)
    context.set_offline(False)
    page.locator("#gallery-cards .star").click()
    expect(page.locator("#gallery-cards > .starred")).to_have_count(1)
    expect(trouble).to_be_hidden()
    context.set_offline(True)
    page.fill("#search", "a dog")
    expect(trouble).to_be_visible()
    expect(trouble).to_contain_text(says)
    context.set_offline(False)
    page.fill("#search", "a rocket")
    expect(page).to_have_url(re.compile("q=a"))
    expect(trouble).to_be_hidden()
    expect(page.locator("#gallery-cards > li")).to_have_count(1)


def test_the_filtered_gallery_shows_what_is_asked_for(page: Page, worker: SimulatedWorker) -> None:
    """Also when a star is taken, a clip deleted or filed elsewhere. Fails when cards are only ever added: tried."""
    for prompt in ("a cat", "a dog", "a fox"):
        page.fill("#prompt", prompt)
        page.click("#generate")
        expect(page.locator("#queue-rows > li")).to_have_count(1)
        worker.run()
        expect(page.locator("#queue-rows > li")).to_have_count(0)
    cards = page.locator("#gallery-cards > li")
    expect(cards).to_have_count(3)
    for n in range(3):
        cards.nth(n).locator(".star").click()
        expect(page.locator("#gallery-cards > .starred")).to_have_count(n + 1)
    page.locator(".toggle", has=page.get_by_label("Only starred ones")).click()
    expect(page).to_have_url(re.compile("starred=1"))
    cards.nth(0).locator(".star").click()
    expect(cards).to_have_count(2)
    # deleted by somebody else
    worker.plane.jobs.delete(next(it.id for it in worker.plane.jobs.list().items if it.spec.prompt == "a cat"))
    page.fill("#prompt", "a bee")
    page.click("#generate")
    expect(cards).to_have_count(1)
    page.on("dialog", lambda dialog: dialog.accept())
    cards.locator("a").click()
    expect(page.locator("#viewer")).to_have_attribute("data-status", "succeeded")
    page.get_by_text("Info", exact=True).click()
    page.get_by_role("button", name="Delete").click()
    expect(cards).to_have_count(0)
    expect(page.locator("#gallery-empty")).to_contain_text("No clip is like that")

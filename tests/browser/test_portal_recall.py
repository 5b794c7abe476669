"""What people bring to the portal's pages from outside."""

import base64

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_portal import generate
from tests.recipes import recipe_picture
from tests.simulated_worker import SimulatedWorker

pytestmark = pytest.mark.browser

DROP = """async (text) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], "frame.png", { type: "image/png" }));
  const form = document.getElementById("composer-form");
  form.dispatchEvent(new DragEvent("dragover", { bubbles: true, cancelable: true, dataTransfer: carried }));
  await import("/static/dropping.js");  // fetched with the first thing that is dragged
  await new Promise(requestAnimationFrame);
  form.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: carried }));
}"""


def test_settings_come_back_from_a_dropped_file(page: Page) -> None:
    """Fails when undo holds the composer that an opened section replaced, or the reason is a general one: tried."""
    page.fill("#prompt", "mine")
    page.evaluate(DROP, base64.b64encode(recipe_picture()).decode())
    page.get_by_role("button", name="Its settings alone").click()
    expect(page.locator("#prompt")).to_have_value("a <red> cat & a “dog”")
    expect(page.locator("#seed")).to_have_value("7")
    page.get_by_role("button", name="Sampling").click()
    expect(page.locator("#section-advanced")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#prompt")).to_have_value("mine")
    page.evaluate(DROP, base64.b64encode(b"hello").decode())
    page.get_by_role("button", name="Its settings alone").click()
    expect(page.locator("#recipe-error")).to_contain_text("the file holds no recipe")
    expect(page.locator("#recipe-error")).to_be_in_viewport()
    expect(page.locator("#prompt")).to_have_value("mine")


DRAG = """async (job) => {
  const carried = new DataTransfer();
  carried.setData("text/uri-list", `${location.origin}/?job=${job}`);
  const form = document.getElementById("composer-form");
  form.dispatchEvent(new DragEvent("dragover", { bubbles: true, cancelable: true, dataTransfer: carried }));
  await import("/static/dropping.js");  // fetched with the first thing that is dragged
  await new Promise(requestAnimationFrame);
  form.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: carried }));
}"""


def test_a_clip_dropped_on_the_composer_may_be_restyled_or_begin_the_next(page: Page, worker: SimulatedWorker) -> None:
    generate(page)
    job = worker.run()
    expect(page.locator("#gallery-cards > li")).to_have_count(1)
    page.evaluate(DRAG, job)
    page.get_by_role("button", name="The clip to restyle").click()
    expect(page.locator('.slot[data-slot="video"] .filled')).to_contain_text("Clip of")
    page.evaluate(DRAG, job)
    page.get_by_role("button", name="The first picture").click()
    expect(page.locator('.slot[data-slot="image"] .filled')).to_contain_text("Last frame of")
    page.evaluate(DRAG, job)
    page.keyboard.press("Escape")
    expect(page.locator("#drop-choice")).to_be_hidden()


def test_waiting_clips_are_dragged_into_order(page: Page, worker: SimulatedWorker) -> None:
    """Fails when a clip cannot be put behind the last one."""
    for prompt in ("a cat", "a dog", "a fox"):
        page.fill("#prompt", prompt)
        page.click("#generate")
        expect(page.locator("#queue-rows").get_by_text(prompt, exact=True)).to_be_visible()
    rows = page.locator("#queue-rows > li")
    page.evaluate("scrollTo(0, 0)")  # the whole way of a drag must be in sight
    rows.nth(2).drag_to(rows.nth(0), target_position={"x": 20, "y": 4})
    expect(page.locator("#queue-rows .prompt").first).to_have_text("a fox")
    page.evaluate("scrollTo(0, 0)")
    height = rows.nth(2).bounding_box()["height"]
    rows.nth(0).drag_to(rows.nth(2), target_position={"x": 20, "y": height - 4})
    expect(page.locator("#queue-rows .prompt").nth(2)).to_have_text("a fox")
    assert worker.claim().spec.prompt == "a cat"


def test_a_wrong_field_is_shown_or_no_reason_to_stay(page: Page, worker: SimulatedWorker) -> None:
    """Fails when the browser refuses a form for a field that cannot be seen: tried."""
    page.fill("#prompt", "a cat")
    page.locator("#further > summary").click()
    page.fill("#seed", "-1")
    page.locator("#further > summary").click()
    page.click("#generate")
    expect(page.locator("#seed")).to_be_focused()
    page.fill("#seed", "7")
    page.locator("label[for=task-keyframes]").click()
    page.fill("#key-0-seconds", "-1")
    page.locator("label[for=task-text-to-video]").click()
    page.click("#generate")
    expect(page.locator("#queue-rows .queued")).to_be_visible()
    assert worker.claim().spec.seed == 7

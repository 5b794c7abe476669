"""The queue panel, the story, recall and the player, in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_portal import generate
from tests.simulated_worker import SimulatedWorker
from tests.unit.web.test_variations_api import commit

pytestmark = pytest.mark.browser


def prompts(page: Page) -> list[str]:
    return page.locator("#queue-rows .prompt").all_inner_texts()


def menu(page: Page, prompt: str, item: str) -> None:
    page.get_by_label(f"More: {prompt}").click()
    page.locator("details.menu[open]").get_by_text(item, exact=True).click()


def test_waiting_clips_are_moved_edited_and_paused(page: Page, worker: SimulatedWorker) -> None:
    for prompt in ("a cat", "a dog", "a fox"):
        page.fill("#prompt", prompt)
        page.click("#generate")
        expect(page.locator("#queue-rows").get_by_text(prompt, exact=True)).to_be_visible()
    page.fill("#prompt", "a lion")
    page.press("#prompt", "Control+Shift+Enter")
    expect(page.locator("#queue-rows .prompt").first).to_have_text("a lion")
    menu(page, "a fox", "Move up")
    expect(page.locator("#queue-rows .prompt").nth(2)).to_have_text("a fox")
    assert prompts(page) == ["a lion", "a cat", "a fox", "a dog"]
    # the menu that was used stays, so that it can be used again
    page.locator("details.menu[open]").get_by_text("Move up").click()
    expect(page.locator("#queue-rows .prompt").nth(1)).to_have_text("a fox")
    page.keyboard.press("Escape")
    expect(page.locator("details.menu[open]")).to_have_count(0)

    menu(page, "a dog", "Edit")
    expect(page.locator("#prompt")).to_have_value("a dog")
    page.fill("#prompt", "a zebra")
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator("#queue-rows .prompt").nth(3)).to_have_text("a zebra")
    expect(page.get_by_role("button", name="Generate")).to_be_visible()

    page.click("#queue-pause")
    expect(page.locator("#queue-notes")).to_contain_text("The queue is paused")
    assert worker.plane.jobs.claim("w", 60) is None
    page.click("#queue-resume")
    expect(page.locator("#queue-pause")).to_be_visible()
    assert worker.claim().spec.prompt == "a lion"


def test_a_story_of_parts_is_stopped_early(page: Page, worker: SimulatedWorker) -> None:
    page.get_by_text("Story", exact=True).click()
    for n, prompt in enumerate(("a cat moves left", "a cat spins", "a cat grows", "a cat moves zeppelin")):
        if n == 3:
            page.get_by_role("button", name="Add a part").click()
        page.fill(f"#part-{n}", prompt)
        page.fill(f"#part-{n}-seconds", "2")
    expect(page.locator("#length-note")).to_have_text("65 frames · 8.1 s")
    expect(page.locator("#prompt-remark")).to_have_text("This model was not taught: zeppelin")
    page.click("#generate")
    expect(page.locator("#queue-rows .queued")).to_be_visible()
    claim = worker.claim()
    assert [part.frames for part in claim.spec.segments] == [17, 16, 16, 16]
    worker.step(claim, 2, 8)
    menu(page, "a cat moves left", "Stop after this chunk and keep the result")
    expect(page.locator("#queue-rows [data-state]")).to_have_text("Stopping after this chunk")
    assert worker.plane.jobs.wishes(claim).stop


def test_settings_are_recalled_and_taken_back(page: Page, worker: SimulatedWorker) -> None:
    page.fill("#num_inference_steps", "5")
    generate(page, "a cat moves left")
    worker.run()
    expect(page.locator("#player")).to_be_visible()
    page.fill("#num_inference_steps", "9")
    page.fill("#prompt", "mine")
    page.locator("#viewer-title").click()
    page.keyboard.press("r")
    expect(page.locator("#prompt")).to_have_value("a cat moves left")
    expect(page.locator("#num_inference_steps")).to_have_value("5")
    expect(page.locator("#seed")).to_have_value("")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#prompt")).to_have_value("mine")
    expect(page.locator("#num_inference_steps")).to_have_value("9")
    page.locator("#viewer-title").click()
    page.keyboard.press("s")
    expect(page.locator("#seed")).not_to_have_value("")
    expect(page.locator("#prompt")).to_have_value("mine")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#seed")).to_have_value("")
    page.get_by_text("Keyboard", exact=True).click()
    page.get_by_label("Single keys work").uncheck()
    page.locator("#viewer-title").click()
    page.keyboard.press("p")
    page.reload()
    page.get_by_text("Keyboard", exact=True).click()
    expect(page.get_by_label("Single keys work")).not_to_be_checked()


def test_the_player_loops_a_part_runs_backwards_and_compares(page: Page, worker: SimulatedWorker) -> None:
    for prompt in ("a cat", "a dog"):
        generate(page, prompt)
        worker.run()
        expect(page.locator("#viewer-title")).to_have_text(prompt)
        expect(page.locator("#player")).to_be_visible()
    counter = page.locator("[data-counter]")
    page.locator("#viewer-title").click()
    page.fill("#frame-number", "5")
    expect(counter).to_have_text("5 / 17")
    page.locator("#viewer-title").click()
    page.keyboard.press("i")
    page.fill("#frame-number", "8")
    page.locator("#viewer-title").click()
    page.keyboard.press("o")
    page.keyboard.press("l")
    seen = (
        "async () => { const seen = new Set(); for (let n = 0; n < 90; n++) { await new Promise(requestAnimationFrame);"
    )
    seen += " seen.add(document.querySelector('[data-counter]').textContent.split(' ')[0]); } return [...seen]; }"
    page.wait_for_function("() => !document.getElementById('player').paused")
    # the frame that ends the part may be shown for a moment longer than its own time
    assert set(map(int, page.evaluate(seen))) <= {5, 6, 7, 8, 9}
    page.keyboard.press("k")
    page.fill("#frame-number", "7")
    page.locator("#viewer-title").click()
    page.keyboard.press("j")
    expect(counter).to_have_text("5 / 17")
    page.keyboard.press("k")
    page.fill("#frame-number", "3")
    page.get_by_role("button", name="as end").click()
    expect(page.locator('.slot[data-slot="last_image"] .filled')).to_contain_text("Frame 3 of “a dog”")

    page.select_option("#compare", label="a cat")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#other-player")).to_be_visible()
    page.fill("#frame-number", "11")
    page.wait_for_function("() => Math.abs(document.getElementById('other-player').currentTime - 10.5 / 8) < 0.02")


def test_the_gallery_is_searched_starred_and_filed(page: Page, worker: SimulatedWorker) -> None:
    for prompt in ("a cat", "a dog"):
        generate(page, prompt)
        worker.run()
        expect(page.locator("#viewer-title")).to_have_text(prompt)
        expect(page.locator("#player")).to_be_visible()
    cards = page.locator("#gallery-cards > li")
    page.get_by_role("button", name="Star: a cat").click()
    expect(page.get_by_role("button", name="Star: a cat")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Only starred ones").check()
    expect(cards).to_have_count(1)
    # what is made meanwhile does not belong among the starred ones
    generate(page, "a fox")
    worker.run()
    expect(page.locator("#viewer-title")).to_have_text("a fox")
    expect(page.locator("#player")).to_be_visible()
    expect(cards).to_have_count(1)
    page.get_by_label("Only starred ones").uncheck()
    expect(cards).to_have_count(3)
    page.get_by_role("searchbox").press_sequentially("do")
    expect(cards).to_have_count(1)
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.get_by_role("searchbox").fill("")
    expect(cards).to_have_count(3)
    page.locator(".info > summary").click()
    page.fill("#project-name", "Film")
    page.locator("#project-form button").click()
    page.select_option("#project-filter", "Film")
    expect(cards).to_have_count(1)
    expect(page.locator("#project")).to_have_value("Film")


def test_a_clip_is_extended_and_a_chunk_made_again(page: Page, worker: SimulatedWorker) -> None:
    page.fill("#prompt", "a cat moves left")
    page.fill("#seconds", "5")
    expect(page.locator("#length-note")).to_have_text("41 frames · 5.1 s · 3 chunks")
    page.click("#generate")
    expect(page.locator("#queue-rows .queued")).to_be_visible()
    claim = worker.claim()
    for n in range(3):
        commit(worker.plane, claim, n)
    worker.succeed(claim)
    expect(page.locator("#timeline li")).to_have_count(3)
    expect(page.locator("[data-counter]")).not_to_have_text("1 / 41")  # it plays, and a click stops it
    page.get_by_role("button", name="Show chunk 2").click()
    expect(page.locator("[data-counter]")).to_have_text("13 / 41")
    page.get_by_label("Retake chunk 2").first.click()
    page.fill("#take-prompt-1", "a dog")
    page.locator("details.menu[open]").get_by_role("button").click()
    expect(page.locator("#viewer [data-state]")).to_have_text("Next in line")
    claim = worker.claim()
    assert [(take.chunk, take.prompt) for take in claim.spec.long.takes] == [(1, "a dog")]
    worker.succeed(claim)
    expect(page.locator("#player")).to_be_visible()
    page.locator("#extend-menu > summary").click()
    page.fill("#extend-seconds", "900")
    page.get_by_role("button", name="Make it longer").click()
    expect(page.locator("#extend-menu [data-form-error]")).to_be_visible()
    page.fill("#extend-seconds", "2")
    page.get_by_role("button", name="Make it longer").click()
    expect(page.locator("#viewer [data-state]")).to_have_text("Next in line")
    assert worker.claim().spec.task == "extend-video"

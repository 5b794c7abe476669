"""What a person does with the portal, in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.simulated_worker import SimulatedWorker, write_clip

pytestmark = pytest.mark.browser

PROMPT = "a rocket moves right on a blue background"


def generate(page: Page, prompt: str = PROMPT) -> None:
    page.fill("#prompt", prompt)
    page.press("#prompt", "Control+Enter")
    expect(page.locator("#queue-rows .queued")).to_be_visible()


def test_from_a_prompt_to_a_clip_and_on_from_its_last_frame(page: Page, worker: SimulatedWorker) -> None:
    page.get_by_role("link", name=PROMPT).click()  # an example fills the prompt
    expect(page.locator("#prompt")).to_have_value(PROMPT)
    page.locator("label[for=frames-9]").click()
    page.click("#generate")
    expect(page.locator("#viewer [data-state]")).to_have_text("Next in line")
    claim = worker.claim()
    worker.step(claim, 3, 20)
    expect(page.locator("#viewer [data-state]")).to_contain_text("Step 3 of 20")
    expect(page.locator("#queue-rows [data-state]")).to_contain_text("Step 3 of 20")
    expect(page.locator("#viewer img.clip[data-preview]")).to_be_visible()
    worker.succeed(claim)
    player = page.locator("#player")
    expect(player).to_be_visible()
    page.wait_for_function("() => !document.getElementById('player').paused")
    expect(page.locator("#gallery-cards > li")).to_have_count(1)
    expect(page.locator("#queue-rows > li")).to_have_count(0)

    page.get_by_role("button", name="Next frame").click()
    assert player.evaluate("video => video.paused")
    before = page.locator("[data-counter]").inner_text()
    page.locator("#viewer-title").click()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-counter]")).not_to_have_text(before)

    page.click("#use-last-frame")
    expect(page.locator("#task-image-to-video")).to_be_checked()
    expect(page.locator('.slot[data-slot="image"] .filled')).to_contain_text("Last frame")
    expect(page.locator("#prompt")).to_have_value(PROMPT)
    expect(page.locator("#player")).to_be_visible()
    page.click("#generate")
    expect(page.locator("#queue-rows .queued")).to_be_visible()
    spec = worker.claim().spec
    assert spec.task == "image-to-video"
    assert spec.image.artifact_id is not None
    assert spec.image.frame == -1


def test_a_queued_and_a_running_job_are_cancelled(page: Page, worker: SimulatedWorker) -> None:
    generate(page)
    page.get_by_role("button", name=f"Cancel: {PROMPT}").click()
    expect(page.locator("#queue-rows .cancelled")).to_be_visible()
    page.get_by_role("button", name=f"Try again: {PROMPT}").click()
    expect(page.locator("#queue-rows .queued")).to_be_visible()
    claim = worker.claim()
    worker.step(claim, 1, 5)
    expect(page.locator("#queue-rows .running")).to_be_visible()
    page.get_by_role("button", name=f"Cancel: {PROMPT}").click()
    page.wait_for_function("() => document.querySelector('#queue-rows .running button')?.disabled")
    worker.plane.jobs.mark_cancelled(claim)
    expect(page.locator("#queue-rows .cancelled")).to_be_visible()
    expect(page.locator("#viewer")).to_contain_text("Cancelled")


def test_restyle_reuse_and_a_clip_from_the_gallery(page: Page, worker: SimulatedWorker) -> None:
    generate(page)
    worker.run()
    expect(page.locator("#player")).to_be_visible()
    page.click("#restyle")
    expect(page.locator("#strength")).to_be_visible()
    page.fill("#strength", "0.35")
    expect(page.locator('[data-mirror="strength"]')).to_have_value("0.35")
    page.click("#generate")
    expect(page.locator("#queue-rows .queued")).to_be_visible()
    spec = worker.claim().spec
    assert (spec.task, spec.strength) == ("video-to-video", 0.35)
    page.locator("#gallery-cards a").click()
    expect(page.locator("#player")).to_be_visible()
    page.click("#reuse")
    expect(page.locator("#seed")).not_to_have_value("")
    page.locator("label[for=task-image-to-video]").click()
    page.get_by_role("button", name="From the gallery").first.click()
    page.locator("#gallery-cards a").click()
    expect(page.locator('.slot[data-slot="image"] .filled')).to_contain_text("Last frame of")


def test_a_file_becomes_the_first_picture(page: Page, worker: SimulatedWorker, tmp_path: Path) -> None:
    write_clip(tmp_path / "mine.mp4", 5, 8)
    page.locator("label[for=task-image-to-video]").click()
    page.set_input_files("#image-file", tmp_path / "mine.mp4")
    expect(page.locator('.slot[data-slot="image"] .filled')).to_contain_text("mine.mp4")
    generate(page)
    assert worker.claim().spec.image.upload_id is not None
    (tmp_path / "not.png").write_text("no picture at all")
    page.set_input_files("#image-file", tmp_path / "not.png")
    expect(page.locator('.slot[data-slot="image"] .wrong')).to_be_visible()


def test_an_uploaded_clip_is_restyled(page: Page, worker: SimulatedWorker, tmp_path: Path) -> None:
    write_clip(tmp_path / "mine.mp4", 9, 8)
    page.locator("label[for=task-video-to-video]").click()
    page.set_input_files("#video-file", tmp_path / "mine.mp4")
    expect(page.locator('.slot[data-slot="video"] .filled')).to_contain_text("mine.mp4")
    page.locator("label[for=frames-9]").click()
    page.fill("#strength", "0.8")
    generate(page)
    claim = worker.claim()
    assert (claim.spec.task, claim.spec.strength) == ("video-to-video", 0.8)
    assert worker.plane.uploads.get(claim.spec.video.upload_id).num_frames == 9
    worker.succeed(claim)
    expect(page.locator("#player")).to_be_visible()


def test_the_keyboard_alone_is_enough(page: Page, worker: SimulatedWorker) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.focus("#task-text-to-video")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#task-image-to-video")).to_be_checked()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Tab")
    expect(page.locator("#prompt")).to_be_focused()
    page.keyboard.type(PROMPT)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#queue-rows .queued")).to_be_visible()
    worker.run()
    expect(page.locator("#player")).to_be_visible()  # the page is up to date: nothing takes the focus away any more
    page.focus("#gallery-cards a")
    expect(page.locator("#gallery-cards video")).to_have_count(1)


def test_without_scripts_everything_works_too(browser: Browser, address: str, worker: SimulatedWorker) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(address)
    page.locator("label[for=task-video-to-video]").click()
    expect(page.locator("#strength")).to_be_visible()
    page.locator("label[for=task-text-to-video]").click()
    expect(page.locator("#strength")).to_be_hidden()
    page.fill("#prompt", PROMPT)
    page.click("#generate")
    expect(page.locator("[data-state]")).to_have_text("Next in line")
    claim = worker.claim()
    worker.step(claim, 2, 7)
    # the page looks again by itself while the job runs
    expect(page.locator("[data-state]")).to_contain_text("Step 2 of 7")
    worker.succeed(claim)
    expect(page.locator("#player")).to_be_visible()
    assert page.locator("#player").get_attribute("controls") is not None
    page.click("#use-last-frame")
    expect(page.locator("#task-image-to-video")).to_be_checked()
    page.fill("#num_inference_steps", "5")
    page.click("#generate")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#viewer")).to_contain_text("Cancelled")
    context.close()


def test_a_refused_form_comes_back_with_the_reason(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    page.fill("#prompt", "kept")
    page.locator("label[for=task-image-to-video]").click()
    page.click("#generate")
    expect(page.locator("#form-error")).to_be_visible()
    expect(page.locator("#prompt")).to_have_value("kept")
    expect(page.locator("#task-image-to-video")).to_be_checked()
    context.close()


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_no_width_scrolls_sideways_and_the_first_page_is_small(browser: Browser, address: str, width: int) -> None:
    """Fails when a word that the model does not know is as wide as it is long: tried."""
    context = browser.new_context(viewport={"width": width, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(len(answer.body())) if "/events" not in answer.url else None)
    page.goto(address, wait_until="load")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert 0 < sum(sizes) < 100_000
    for path in ("/docs", "/jobs/job_none"):
        page.goto(address + path)
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.goto(address)
    page.fill("#prompt", "w" * 400)
    expect(page.locator("#prompt-remark")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()


def test_reduced_motion_keeps_clips_still(browser: Browser, address: str, worker: SimulatedWorker) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(address)
    generate(page)
    worker.run()
    expect(page.locator("#player")).to_be_visible()
    page.locator("#gallery-cards a").hover()
    assert page.locator("#player").evaluate("video => video.paused")
    expect(page.locator("#gallery-cards video")).to_have_count(0)
    context.close()


def test_a_grid_and_the_player_have_room_on_a_tablet(page: Page, worker: SimulatedWorker) -> None:
    """Fails when a grid lies in the column of a menu, or the slider takes what its buttons leave: tried."""
    page.set_viewport_size({"width": 820, "height": 900})
    generate(page)
    worker.run()
    expect(page.locator("[data-scrub]")).to_be_visible()
    assert page.locator("[data-scrub]").bounding_box()["width"] > 300
    form = {"csrf_token": page.locator("[name=csrf_token]").first.input_value(), "prompt": "a cat"}
    answer = page.request.post(
        page.url.split("?")[0] + "grids", form={**form, "vary.0.field": "seed", "vary.0.values": "1, 2"}
    )
    worker.run()
    page.goto(answer.url)
    assert page.locator(".wide-picture").bounding_box()["width"] > 700

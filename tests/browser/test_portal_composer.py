"""The composer's further tabs and sections, in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_portal import PROMPT, generate
from tests.simulated_worker import SimulatedWorker

pytestmark = pytest.mark.browser


def test_a_clip_becomes_keyframes_and_is_finished(page: Page, worker: SimulatedWorker) -> None:
    """Sections are fetched when they are opened, and what was typed before stays."""
    generate(page)
    worker.run()
    expect(page.locator("#player")).to_be_visible()
    page.fill("#frame-number", "3")
    page.get_by_role("button", name="as keyframe").click()
    expect(page.locator('.slot[data-slot="keyframes.0"] .filled')).to_contain_text("Frame 3 of")
    expect(page.locator("#task-keyframes")).to_be_checked()
    page.locator('.slot[data-slot="keyframes.1"]').get_by_role("button", name="From the gallery").click()
    page.locator("#gallery-cards a").click()
    expect(page.locator('.slot[data-slot="keyframes.1"] .filled')).to_contain_text("Last frame of")
    page.get_by_role("button", name="When it is made").click()
    expect(page.locator("#section-finish")).to_be_visible()
    expect(page.locator('.slot[data-slot="keyframes.1"] .filled')).to_contain_text("Last frame of")
    factor = page.locator('#composer [name="post.upscale.factor"]')
    expect(factor).to_be_hidden()
    page.get_by_label("Larger frames").check()
    expect(factor).to_be_visible()
    page.click("#generate")
    expect(page.locator("#queue-rows .queued")).to_be_visible()
    claim = worker.claim()
    assert [key.frame for key in claim.spec.keyframes] == [0, 16]
    assert [step.step for step in claim.spec.post] == ["upscale"]
    worker.succeed(claim)

    expect(page.locator("#gallery-cards > li")).to_have_count(2)
    page.locator("#finish-menu > summary").click()
    page.get_by_role("button", name="Twice the frames").click()
    expect(page.locator("#viewer [data-state]")).to_have_text("Next in line")
    claim = worker.claim()
    assert (claim.spec.task, claim.spec.post[0].step) == ("process-video", "interpolate")
    # Enter in a field sends the form, and none of the buttons in between
    page.locator("label[for=task-text-to-video]").click()
    page.get_by_role("button", name="Sampling, step by step").click()
    page.fill('[id="advanced.shift"]', "2")
    page.fill("#prompt", PROMPT)
    page.press('[id="advanced.shift"]', "Enter")
    expect(page.locator("#queue-rows > li")).to_have_count(2)  # the one in hand may still be shown as queued
    assert worker.claim().spec.advanced.shift == 2


def test_a_frame_goes_into_its_slot_and_the_rest_stays(page: Page, worker: SimulatedWorker) -> None:
    """Fails when the composer is fetched anew with the frame: tried, the prompt and the steps are gone."""
    generate(page)
    worker.run()
    expect(page.locator("#player")).to_be_visible()
    page.fill("#prompt", "mine")
    page.fill("#num_inference_steps", "13")
    page.click("#use-last-frame")
    expect(page.locator('.slot[data-slot="image"] .filled')).to_contain_text("Last frame of")
    for number, button, slot in (
        ("3", "as end", "last_image"),
        ("4", "as keyframe", "keyframes.0"),
        ("5", "as keyframe", "keyframes.1"),
        ("6", "as keyframe", "keyframes.2"),
        ("7", "as reference", "references.0.image"),
        ("8", "to extend from", "video"),
    ):
        page.fill("#frame-number", number)
        page.get_by_role("button", name=button).click()
        filled = page.locator(f'.slot[data-slot="{slot}"] .filled')
        expect(filled).to_contain_text("Clip of" if slot == "video" else f"Frame {number} of")
    expect(page.locator("#number")).to_have_value("8")
    page.locator("label[for=task-image-to-video]").click()
    expect(page.locator('.slot[data-slot="image"] .filled')).to_contain_text("Last frame of")
    expect(page.locator('.slot[data-slot="last_image"] .filled')).to_contain_text("Frame 3 of")
    expect(page.locator("#prompt")).to_have_value("mine")
    expect(page.locator("#num_inference_steps")).to_have_value("13")
    page.click("#generate")
    expect(page.locator("#queue-rows .queued")).to_be_visible()
    spec = worker.claim().spec
    assert (spec.image.frame, spec.last_image.frame, spec.num_inference_steps, spec.prompt) == (-1, 2, 13, "mine")
    assert [reference.image.frame for reference in spec.references] == [6]

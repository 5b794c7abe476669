"""Camera, paths and masks drawn on the page, each with the numbers that say the same, in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_portal import PROMPT
from tests.simulated_worker import SimulatedWorker, write_clip
from vidgen.jobs.service import ControlPlane
from vidgen.spec import ConditioningRules
from vidgen_models.registry import ModelRegistry
from vidgen_models.shelf import Shelf

pytestmark = pytest.mark.browser

RULES = ConditioningRules(
    controls=("canny", "flow"),
    camera="flow",
    camera_axes=("pan", "tilt"),
    trajectories="layout",
    mask=True,
    flow_full=0.1,
)


@pytest.fixture
def led(plane: ControlPlane, address: str, page: Page) -> Page:
    """The studio of a model that takes them."""
    shipped = ModelRegistry().get("sprites-64")
    rules = shipped.rules.model_copy(update={"conditioning": RULES})
    Shelf(plane.settings.added_models).put(shipped.model_copy(update={"id": "led", "memory": (), "rules": rules}))
    page.goto(f"{address}/?model=led")
    page.get_by_role("button", name="Camera, paths, masks").click()
    expect(page.locator("#section-motion")).to_be_visible()
    return page


def press(page: Page, on: Locator, x: float, y: float) -> None:
    box = on.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.mouse.down()


def test_a_path_is_drawn_and_asked_for(led: Page, worker: SimulatedWorker) -> None:
    """Clicks become points of the table, a point is dragged on, and typing a number moves what is drawn."""
    led.locator('[data-draw="trajectories.0"]').click()
    board = led.locator(".easel .board")
    for x, y in ((0.2, 0.5), (0.5, 0.25), (0.8, 0.5), (0.9, 0.9)):
        press(led, board, x, y)
        led.mouse.up()
    expect(led.locator('[data-points="trajectories.0"] tbody tr')).to_have_count(4)
    press(led, board, 0.9, 0.9)
    led.mouse.move(*[board.bounding_box()[side] + 0.95 * board.bounding_box()["width"] for side in "xy"])
    led.mouse.up()
    led.fill('[name="trajectories.0.points.1.y"]', "0.1")
    expect(led.locator(".easel circle").nth(1)).to_have_attribute("cy", "0.1")
    led.fill("#prompt", PROMPT)
    led.click("#generate")
    expect(led.locator("#queue-rows .queued")).to_be_visible()
    (path,) = worker.claim().spec.trajectories
    assert [(point.x, point.y) for point in path.points] == [
        (pytest.approx(x, abs=0.02), pytest.approx(y, abs=0.02))
        for x, y in ((0.2, 0.5), (0.5, 0.1), (0.8, 0.5), (0.95, 0.95))
    ]


def test_the_camera_pad_writes_the_numbers_and_a_mask_is_painted(
    led: Page, worker: SimulatedWorker, tmp_path: Path
) -> None:
    pad = led.locator("[data-pad]")
    pad.scroll_into_view_if_needed()
    press(led, pad, 0.75, 0.25)
    led.mouse.up()
    expect(led.locator('[id="camera.pan"]')).to_have_value("5")
    expect(led.locator('[id="camera.tilt"]')).to_have_value("5")
    led.fill('[id="camera.tilt"]', "-10")
    expect(led.locator("[data-pad] span")).to_have_css("top", "102px")
    write_clip(tmp_path / "mine.mp4", 9, 8)
    led.locator("label[for=frames-9]").click()
    led.locator("label[for=task-video-to-video]").click()
    led.set_input_files("#video-file", tmp_path / "mine.mp4")
    expect(led.locator('.slot[data-slot="video"] .filled')).to_contain_text("mine.mp4")
    led.locator('[data-paint="mask.media"]').click()
    board = led.locator(".easel .board")
    expect(board.locator("video")).to_have_count(1)
    press(led, board, 0.3, 0.3)
    led.mouse.up()
    expect(led.locator('.slot[data-slot="mask.media"] .filled')).to_contain_text("painted mask")
    led.fill("#prompt", PROMPT)
    led.click("#generate")
    expect(led.locator("#queue-rows .queued")).to_be_visible()
    spec = worker.claim().spec
    assert (spec.camera.pan, spec.camera.tilt) == (5, -10)
    mask = worker.plane.uploads.get(spec.mask.media.upload_id)
    assert (mask.kind, mask.width, mask.height) == ("image", 512, 512)


def test_a_control_is_shown_as_it_is_drawn(led: Page, tmp_path: Path) -> None:
    """By the program that draws it for a job. Fails when the drawing is asked for without the slot: tried."""
    write_clip(tmp_path / "mine.mp4", 9, 8)
    shown = led.locator('[data-drawn="controls.0"]')
    expect(shown).to_be_hidden()
    led.set_input_files('[id="controls.0.video-file"]', tmp_path / "mine.mp4")
    expect(shown.locator("img")).to_be_visible()
    led.wait_for_function("() => document.querySelector('[data-drawn] img').naturalWidth === 256")
    before = shown.locator("img").get_attribute("src")
    led.select_option('[id="controls.0.kind"]', "flow")
    expect(shown.locator("img")).not_to_have_attribute("src", before)
    led.wait_for_function("() => document.querySelector('[data-drawn] img').complete")
    led.get_by_label("The clip is the drawn control itself").check()
    expect(shown).to_be_hidden()

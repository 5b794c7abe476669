"""What a person asks for on the page, made by a real worker with the shipped checkpoint: seen in the clip's frames.

One service and one worker for all of these tests. The other tests of this folder play the worker and check every step.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_portal_motion import press
from tests.faults.worker_process import worker as working
from tests.serving import served
from tests.simulated_worker import write_clip
from vidgen.jobs.database.session import migrate
from vidgen.jobs.service import ControlPlane, open_control_plane
from vidgen.jobs.settings import Settings
from vidgen.jobs.views import Job
from vidgen.media.reader import every_frame
from vidgen_workers.runner import DEFAULT_RENDER

pytestmark = [pytest.mark.browser, pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(1800)]

PROMPT = "a rocket moves right on a blue background"
# a clip of seconds took more than two minutes where thirty programs shared two cores
PATIENCE_MS = 500_000
# what the viewer said while the clip was made; a line may have gone by before it is looked for
LISTEN = """() => {
  window.told = [];
  const hear = () => told.push(document.querySelector("#viewer [data-state]")?.textContent ?? "");
  new MutationObserver(hear).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A service with one worker. The lease is long, as the machine may be busy with other things."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("service"), port=0, poll_seconds=0.2, lease_seconds=120)
    migrate(settings)
    plane = open_control_plane(settings)
    with working(plane, DEFAULT_RENDER):
        yield plane
    plane.engine.dispose()


@pytest.fixture(scope="module")
def address(plane: ControlPlane) -> Iterator[str]:
    with served(plane.settings) as address:
        yield address


@pytest.fixture
def shown(page: Page, plane: ControlPlane) -> Callable[[str], Job]:
    """Press the button with this name, and wait until the worker has made the clip and the page shows it."""

    def press_and_wait(button: str) -> Job:
        viewer = page.locator("#viewer")
        before = viewer.get_attribute("data-job") or ""
        page.locator("#main").get_by_role("button", name=button, exact=True).click()
        expect(page.locator(f'#viewer[data-job]:not([data-job="{before}"])')).to_be_visible()
        job = plane.jobs.get(viewer.get_attribute("data-job") or "")
        assert job is not None
        made = page.locator(f'#viewer[data-job="{job.id}"][data-status="succeeded"] #player')
        expect(made).to_be_visible(timeout=PATIENCE_MS)
        return job

    return press_and_wait


def frames(plane: ControlPlane, job: Job) -> np.ndarray:
    """The clip's frames, `float [frames, height, width, 3]`."""
    ended = plane.jobs.get(job.id)
    assert ended is not None
    key = plane.jobs.artifact_key(next(it.id for it in ended.artifacts if it.kind == "video"))
    assert key is not None
    return np.stack(list(every_frame(plane.store.path(key)))).astype(float)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(np.square(one - other).mean(), 1e-3)))


def places(clip: np.ndarray) -> np.ndarray:
    """Where the subject is across the frame, by frame, from 0 to 1: what differs from the colour of the borders."""
    ground = np.median(np.concatenate([clip[:, :3].reshape(-1, 3), clip[:, -3:].reshape(-1, 3)]), axis=0)
    weight = np.clip(np.abs(clip - ground).sum(-1) - 90, 0, None).sum(1)
    return weight @ np.linspace(0, 1, clip.shape[2]) / weight.sum(1)


def test_a_clip_is_made_watched_gone_on_from_and_extended(
    page: Page, plane: ControlPlane, shown: Callable[[str], Job]
) -> None:
    """The second clip begins where the first ends, and the extension begins with all of the second.

    Fails when the last frame's link names the first one: tried.
    """
    page.fill("#prompt", PROMPT)
    page.fill("#num_inference_steps", "12")
    page.evaluate(LISTEN)
    first = frames(plane, shown("Generate"))
    # on a quick machine the steps themselves may be over between two looks
    told = set(page.evaluate("() => told")) - {""}
    assert len(told) >= 3, told
    page.wait_for_function(
        "() => { const it = document.getElementById('player'); return !it.paused && it.currentTime; }"
    )
    assert len(first) == 17
    assert places(first)[-1] > places(first)[0] + 0.1

    page.click("#use-last-frame")
    expect(page.locator('.slot[data-slot="image"] .filled')).to_contain_text("Last frame")
    page.fill("#num_inference_steps", "4")
    page.locator("label[for=frames-9]").click()
    second = frames(plane, shown("Generate"))
    assert len(second) == 9
    assert psnr(second[0], first[-1]) > 24
    assert psnr(second[0], first[-1]) > psnr(second[0], first[0]) + 6

    page.locator("#extend-menu > summary").click()
    page.fill("#extend-seconds", "1")
    third = frames(plane, shown("Make it longer"))
    assert len(third) == 17
    assert psnr(third[:9], second) > 30


def test_an_uploaded_clip_is_repainted_as_far_as_it_is_asked(
    page: Page, plane: ControlPlane, tmp_path: Path, shown: Callable[[str], Job]
) -> None:
    """Fails when the strength is left out of the form: tried."""
    write_clip(tmp_path / "mine.mp4", 9, 8)
    source = np.stack(list(every_frame(tmp_path / "mine.mp4"))).astype(float)
    page.locator("label[for=task-video-to-video]").click()
    page.set_input_files("#video-file", tmp_path / "mine.mp4")
    expect(page.locator('.slot[data-slot="video"] .filled')).to_contain_text("mine.mp4")
    page.locator("label[for=frames-9]").click()
    page.fill("#prompt", "a red apple on a green background")
    page.fill("#num_inference_steps", "8")
    changes = []
    for strength in ("0.1", "1"):
        page.fill("#strength", strength)
        changes.append(np.abs(frames(plane, shown("Generate")) - source).mean())
    assert changes[0] < 0.7 * changes[1]


def test_the_subject_goes_along_the_path_that_was_drawn(
    page: Page, plane: ControlPlane, shown: Callable[[str], Job]
) -> None:
    """To the right, then, drawn the other way round, to the left. Fails when paths are left out of the form: tried."""
    page.fill("#prompt", "a rocket on a blue background")
    page.get_by_role("button", name="Camera, paths, masks").click()
    for name in ("width", "height"):
        page.fill(f'[id="trajectories.0.{name}"]', "0.55")
    page.locator('[data-draw="trajectories.0"]').click()
    board = page.locator(".easel .board")
    clips = []
    for way in ((0.3, 0.7), (0.7, 0.3)):
        page.locator('[data-wipe="trajectories.0"]').click()
        for x in way:
            press(page, board, x, 0.5)
            page.mouse.up()
        expect(page.locator('[name="trajectories.0.points.1.x"]')).not_to_have_value("")
        clips.append(frames(plane, shown("Generate")))
    right, left = map(places, clips)
    assert right[-1] - right[0] > 0.2
    assert left[0] - left[-1] > 0.2
    assert np.abs(right - np.linspace(0.3, 0.7, len(right))).mean() < 0.12


def test_one_chunk_is_made_again_and_the_others_stay(
    page: Page, plane: ControlPlane, shown: Callable[[str], Job]
) -> None:
    """Fails when the chunks that follow are asked to be made anew: tried."""
    page.fill("#prompt", PROMPT)
    page.fill("#seconds", "5")
    page.fill("#num_inference_steps", "2")
    before = frames(plane, shown("Generate"))
    expect(page.locator("#timeline li")).to_have_count(3)
    expect(page.locator("#timeline .seam")).to_have_count(2)
    page.get_by_label("Retake chunk 2").first.click()
    page.fill("#take-prompt-1", "a red apple on a green background")
    after = frames(plane, shown("Retake chunk 2"))
    spans = page.locator("#timeline [data-seek]").all_inner_texts()
    first, last = (int(number) - 1 for number in spans[1].split("–"))
    assert len(after) == len(before) == 41
    again, kept = slice(first + 4, last - 4), slice(last + 8, None)
    assert psnr(after[: first - 4], before[: first - 4]) > psnr(after[again], before[again]) + 8
    assert psnr(after[kept], before[kept]) > psnr(after[again], before[again]) + 8


def test_a_clip_that_takes_too_long_is_cancelled(page: Page, plane: ControlPlane) -> None:
    """The worker lets go of it while it runs, and no clip is left."""
    page.fill("#prompt", PROMPT)
    page.fill("#seconds", "60")
    page.fill("#num_inference_steps", "100")
    page.click("#generate")
    expect(page.locator("#queue-rows .running")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name=f"Cancel: {PROMPT}").click()
    expect(page.locator("#queue-rows .cancelled")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#viewer")).to_contain_text("Cancelled")
    job = plane.jobs.get(page.locator("#viewer").get_attribute("data-job") or "")
    assert job is not None
    assert (job.status.value, job.artifacts) == ("cancelled", ())

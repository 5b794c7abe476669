"""Figures of the portal in a real Chromium: page weight, paint, shifts, long tasks, and a gallery of 10,000 clips.

    python -m tests.bench.portal

Every figure is measured in this run, beside the load that the machine had meanwhile. Nothing is throttled.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, Response, sync_playwright
from sqlalchemy import insert

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.main_thread import Tasks, watched
from tests.serving import served
from tests.simulated_worker import SimulatedWorker
from vidgen.jobs.database.session import migrate, writing
from vidgen.jobs.database.tables import ArtifactRow, JobRow
from vidgen.jobs.service import ControlPlane, open_control_plane
from vidgen.jobs.settings import Settings
from vidgen.spec import TextToVideo

CLIPS = 10_000
PAGES = 12
LONG_TASK_MS = 50
WATCH = """() => {
  window.seen = { tasks: [], shift: 0, paint: 0 };
  new PerformanceObserver((list) => { for (const it of list.getEntries()) seen.tasks.push(it.duration); })
    .observe({ type: "longtask", buffered: true });
  const add = (it) => { if (!it.hadRecentInput) seen.shift += it.value; };
  new PerformanceObserver((list) => list.getEntries().forEach(add))
    .observe({ type: "layout-shift", buffered: true });
  new PerformanceObserver((list) => { for (const it of list.getEntries()) seen.paint = it.startTime; })
    .observe({ type: "largest-contentful-paint", buffered: true });
}"""
MEDIA = ("image/jpeg", "video/")


def fill(plane: ControlPlane) -> None:
    """One clip that was really queued and made, and as many copies of its rows."""
    spec = TextToVideo(prompt="a cat moves left", width=64, height=64, num_frames=9, fps=8, seed=1)
    plane.jobs.create(spec, model_revision="1", max_queued=9)
    first = SimulatedWorker(plane).run()
    with writing(plane.engine) as session:
        job = session.get_one(JobRow, first)
        files = session.query(ArtifactRow).filter_by(job_id=first).all()
        jobs, made = [], []
        for n in range(CLIPS - 1):
            copied = {name: getattr(job, name) for name in JobRow.model_fields}
            told = {"id": f"job_{n:05d}", "created_at": job.created_at - n, "spec": {**job.spec, "prompt": f"cat {n}"}}
            jobs.append(copied | told)
            for file in files:
                fields = {name: getattr(file, name) for name in ArtifactRow.model_fields}
                made.append(fields | {"id": f"art_{n:05d}{file.kind}", "job_id": told["id"]})
        session.execute(insert(JobRow), jobs)
        session.execute(insert(ArtifactRow), made)


def _is_own(answer: Response) -> bool:
    """Neither media nor the event stream, which does not end."""
    return not answer.headers.get("content-type", "").startswith((*MEDIA, "text/event-stream"))


def timed(page: Page, url: str, times: int = 7) -> float:
    """Milliseconds until the server's whole answer is here; the median of several requests."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        page.request.get(url)
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def main() -> None:
    """Serve 10,000 clips and look at them."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        settings = Settings(data_dir=Path(folder), port=0)
        migrate(settings)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        with served(settings) as address:
            weighs(page, address)
            fill(open_control_plane(settings))
            print(f"machine load: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
            looks(browser, page, address)
            pages(browser, page, address)
            browser.close()


def weighs(page: Page, address: str) -> None:
    """The first page of an empty service."""
    answers: list[Response] = []
    heard = lambda it: answers.append(it)  # noqa: E731
    page.on("response", heard)
    page.goto(address)
    page.wait_for_timeout(1000)
    page.remove_listener("response", heard)
    own = [len(it.body()) for it in answers if _is_own(it)]
    print(f"first page without media: {sum(own) / 1000:.1f} kB in {len(own)} requests, uncompressed")


def looks(browser: Browser, page: Page, address: str) -> None:
    """The studio as it opens, and the composer while somebody types."""
    page.add_init_script(f"({WATCH})()")
    page.goto(address, wait_until="load")
    page.wait_for_timeout(1500)
    seen = page.evaluate("() => seen")
    first = page.evaluate("() => performance.getEntriesByName('first-contentful-paint')[0].startTime")
    print(f"first contentful paint {first:.0f} ms, largest {seen['paint']:.0f} ms, layout shift {seen['shift']:.4f}")
    page.get_by_role("button", name="When it is made").click()
    page.locator("#section-finish").wait_for()
    page.evaluate("() => { seen.tasks.length = 0; seen.shift = 0; }")
    with watched(browser, page) as tasks:
        page.locator("#prompt").press_sequentially("a cat rides a zeppelin over the sea", delay=40)
        page.locator("label[for=task-storyboard]").click()
        page.locator("label[for=task-text-to-video]").click()
        page.wait_for_timeout(1000)
    seen = page.evaluate("() => seen")
    print(f"typing in the composer: {told(tasks, seen)}, layout shift {seen['shift']:.4f}")


def told(tasks: Tasks, seen: dict[str, list[float]]) -> str:
    """Of the main thread: its longest task in processor time, and what the browser calls long beside other load."""
    long = sum(time > LONG_TASK_MS for time in tasks.times)
    return (
        f"longest of {len(tasks.times)} tasks {tasks.longest:.0f} ms of processor time, {long} over {LONG_TASK_MS}; "
        f"by the clock, beside the load, {len(seen['tasks'])} over 50 ms, longest {max(seen['tasks'], default=0):.0f}"
    )


def pages(browser: Browser, page: Page, address: str) -> None:
    """The gallery: the server's time by depth, and the browser's while it scrolls."""
    times = {"first page": timed(page, address)}
    query = ""
    for _ in range(PAGES):
        text = page.request.get(f"{address}/?{query}").text()
        query = text.split('id="load-more" href="/?')[1].split("#")[0].replace("&amp;", "&")
    times[f"page {PAGES + 1}"] = timed(page, f"{address}/?{query}")
    times["a search that finds one"] = timed(page, f"{address}/?q=9999")
    times["a search that finds nothing"] = timed(page, f"{address}/?q=zebra")
    for name, took in times.items():
        print(f"{name}: {took:.0f} ms")
    page.evaluate("() => { seen.tasks.length = 0; seen.shift = 0; }")
    with watched(browser, page) as tasks:
        page.locator("#load-more").click()
        for n in range(3, PAGES + 1):
            page.mouse.wheel(0, 4000)
            page.wait_for_function(f"() => document.querySelectorAll('#gallery-cards > li').length >= {24 * n}")
    cards = page.locator("#gallery-cards > li").count()
    seen = page.evaluate("() => seen")
    print(f"scrolled through {cards} of {CLIPS} clips: {told(tasks, seen)}")


if __name__ == "__main__":
    main()

"""Pictures of every page of the portal at three widths, in the light and in the dark, with real clips in them.

    python -m tests.bench.portal_pictures FOLDER [NAME ...]

They are for looking at: one sheet a page, and the single pictures beside them.
"""

import sys
import tempfile
import threading
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright
from waitress.server import create_server

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.simulated_worker import SimulatedWorker, jpeg, picture
from tests.unit.web.test_variations_api import commit
from vidgen.jobs.database.session import migrate
from vidgen.jobs.gallery import Gallery
from vidgen.jobs.service import ControlPlane, open_control_plane
from vidgen.jobs.settings import Settings
from vidgen.spec import ConditioningRules, LongFields, TextToVideo
from vidgen_models.registry import ModelRegistry
from vidgen_models.shelf import Shelf
from vidgen_web import create_app
from vidgen_web.services import SERVER_THREADS

WIDTHS = (1440, 768, 360)
SCHEMES = ("light", "dark")
SHEET_HEIGHT = 1100
JOINTS = [
    {"frames": [12, 12], "verdict": "pass", "score": 0.42},
    {"frames": [24, 24], "verdict": "fail", "score": 1.31},
]
RULES = ConditioningRules(
    controls=("canny", "depth", "flow"),
    camera="flow",
    camera_axes=("pan", "tilt", "zoom", "roll"),
    trajectories="layout",
    brush=True,
    mask=True,
    references=2,
    motion_strength="flow",
    ends=True,
    flow_full=0.1,
)


def fill(plane: ControlPlane) -> dict[str, str]:
    """Clips, a long one with chunks, a running one, waiting ones, a failed one; the addresses that show them."""
    worker = SimulatedWorker(plane)
    done = [_made(plane, worker, prompt) for prompt in ("a cat moves left", "a rocket moves up on a blue background")]
    long = TextToVideo(prompt="a fox spins", width=64, height=64, num_frames=33, fps=8, seed=3, long=LongFields())
    plane.jobs.create(long, model_revision="1", max_queued=99)
    claim = worker.claim()
    for n in range(3):
        commit(plane, claim, n)
        worker.plane.store.chunk_picture(claim.job_id, n).write_bytes(jpeg(picture(9 * n)))
    worker.succeed(claim, JOINTS)
    _queue(plane, "a dog that fails")
    plane.jobs.fail(worker.claim(), "out_of_memory", "the device ran out of memory", False)
    for prompt in ("a lion grows", "a penguin moves right on a white background", "an apple"):
        _queue(plane, prompt)
    running = worker.claim()
    worker.step(running, 12, 20, chunk=(3, 8))
    gallery = Gallery(plane.engine)
    gallery.star(done[0], True)
    gallery.file(done[0], "Film")
    hook = plane.endpoints.of("local", "pictures").create("https://example.org/hook", "farm")
    plane.endpoints.of("local", "pictures").test(hook.id)
    plane.keys.of("local", "pictures").create("farm", ["jobs:read"])
    shipped = ModelRegistry().get("sprites-64")
    rules = shipped.rules.model_copy(update={"conditioning": RULES})
    Shelf(plane.settings.added_models).put(
        shipped.model_copy(update={"id": "led", "name": "Led", "memory": (), "rules": rules})
    )
    return {
        "studio": f"/?job={done[0]}",
        "long": f"/?job={claim.job_id}",
        "running": f"/?job={running.job_id}",
        "compare": f"/?job={done[0]}&compare={done[1]}",
        "image": "/?mode=image",
        "keyframes": "/?mode=keyframes&with=words",
        "story": "/?mode=story&with=advanced",
        "extend": "/?mode=extend",
        "finish": "/?mode=finish",
        "motion": "/?model=led&with=motion",
        "motion-restyle": "/?model=led&with=motion&mode=video",
        "job": f"/jobs/{done[0]}",
        "missing": "/jobs/none",
        "keys": "/settings/keys",
        "webhooks": "/settings/webhooks",
        "webhook": f"/settings/webhooks/{hook.id}",
        "deliveries": "/settings/deliveries",
        "usage": "/settings/usage",
        "sign-in": "/sign-in",
        "docs": "/docs",
    }


def _queue(plane: ControlPlane, prompt: str) -> None:
    spec = TextToVideo(prompt=prompt, width=64, height=64, num_frames=17, fps=8, seed=1)
    plane.jobs.create(spec, model_revision="1", max_queued=99)


def _made(plane: ControlPlane, worker: SimulatedWorker, prompt: str) -> str:
    _queue(plane, prompt)
    return worker.run()


def take(page: Page, url: str, name: str, folder: Path) -> None:
    """The page at every width, in the light and in the dark, and a sheet of it. It is loaded once."""
    files = []
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    page.goto(url, wait_until="load")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            files.append(folder / f"{name}-{width}-{scheme}.png")
            page.screenshot(path=files[-1], full_page=True)
    sheet(files, folder / f"sheet-{name}.png")


def sheet(files: list[Path], target: Path) -> None:
    """The pictures beside each other, each cut to the height of a few screens and brought to half its size."""
    shown = []
    for file in files:
        with Image.open(file) as opened:
            cut = opened.convert("RGB").crop((0, 0, opened.width, min(opened.height, 2 * SHEET_HEIGHT)))
        shown.append(cut.resize((cut.width // 2, cut.height // 2), Image.Resampling.LANCZOS))
    whole = Image.new("RGB", (sum(it.width + 8 for it in shown), max(it.height for it in shown)), (128, 128, 128))
    left = 0
    for it in shown:
        whole.paste(it, (left, 0))
        left += it.width + 8
    whole.save(target)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        settings = Settings(data_dir=Path(data), port=0)
        migrate(settings)
        plane = open_control_plane(settings)
        server = create_server(create_app(settings), host="127.0.0.1", port=0, threads=SERVER_THREADS)
        threading.Thread(target=server.run, daemon=True).start()
        address = f"http://127.0.0.1:{server.effective_port}"
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(reduced_motion="reduce")
        page.set_default_timeout(300_000)
        wanted = sys.argv[2:]
        if not wanted or "empty" in wanted:
            take(page, address, "empty", folder)
        for name, path in fill(plane).items():
            if not wanted or name in wanted:
                take(page, address + path, name, folder)
        browser.close()


if __name__ == "__main__":
    main()

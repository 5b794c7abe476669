"""Pictures of every page of the portal at three widths, in the light and in the dark, with real clips in them.

    python -m tests.bench.portal_pictures FOLDER [NAME ...]

They are for looking at: one sheet a page, and the single pictures beside them.
"""

import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.everything import fill
from tests.serving import served
from vidgen.jobs.database.session import migrate
from vidgen.jobs.service import open_control_plane
from vidgen.jobs.settings import Settings

WIDTHS = (1440, 768, 360)
SCHEMES = ("light", "dark")
SHEET_HEIGHT = 1100


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
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(reduced_motion="reduce")
        page.set_default_timeout(300_000)
        wanted = sys.argv[2:]
        with served(settings) as address:
            if not wanted or "empty" in wanted:
                take(page, address, "empty", folder)
            for name, path in fill(open_control_plane(settings)).items():
                if not wanted or name in wanted:
                    take(page, address + path, name, folder)
            browser.close()


if __name__ == "__main__":
    main()

"""axe-core over every page of the portal, in the light and in the dark, at three widths.

    python -m tests.bench.portal_axe

The tests look at each page in both colours, too, at one width each.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.everything import fill
from tests.browser.test_portal_pages import MIDDLE, NARROW, WIDE, violations
from tests.serving import served
from vidgen.jobs.database.session import migrate
from vidgen.jobs.service import open_control_plane
from vidgen.jobs.settings import Settings

LOOKS = tuple((scheme, width) for scheme in ("light", "dark") for width in (WIDE, MIDDLE, NARROW))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        settings = Settings(data_dir=Path(folder), port=0)
        migrate(settings)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(reduced_motion="reduce", locale="de-DE")
        page.set_default_timeout(300_000)
        pages, faults = 0, 0
        with served(settings) as address:
            for name, path in {"empty": "/", **fill(open_control_plane(settings))}.items():
                found = violations(page, address + path, LOOKS)
                print(name, found or "nothing", flush=True)
                pages, faults = pages + 1, faults + len(found)
            browser.close()
        print(f"{pages} pages, {len(LOOKS)} looks each: {faults} violations")


if __name__ == "__main__":
    main()

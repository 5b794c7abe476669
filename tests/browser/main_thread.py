"""How long a page keeps its main thread busy, in processor time: what else the machine does counts for nothing."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Page

CATEGORIES = ["toplevel", "__metadata"]
RUN = "RunTask"
MAIN = "CrRendererMain"


@dataclass
class Tasks:
    """Milliseconds of processor time of every task of the page's main thread, filled in when the block ends."""

    times: list[float] = field(default_factory=list)

    @property
    def longest(self) -> float:
        return max(self.times, default=0.0)


@contextmanager
def watched(browser: Browser, page: Page) -> Iterator[Tasks]:
    """Trace the page within the block."""
    found = Tasks()
    browser.start_tracing(page=page, categories=CATEGORIES)
    yield found
    events = json.loads(browser.stop_tracing())["traceEvents"]
    mains = {(it["pid"], it["tid"]) for it in events if it["name"] == "thread_name" and it["args"]["name"] == MAIN}
    own = (it for it in events if (it["pid"], it["tid"]) in mains and RUN in it["name"] and "tdur" in it)
    found.times = [it["tdur"] / 1000 for it in own]

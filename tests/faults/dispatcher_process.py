"""A process that does nothing but deliver webhooks, with a short patience. Killed by the tests that start it."""

import sys
import time
from datetime import datetime
from functools import partial

from vidgen.jobs.service import open_control_plane
from vidgen.jobs.settings import load_settings
from vidgen.jobs.webhooks.outbox import Outbox
from vidgen.jobs.webhooks.sender import post
from vidgen_workers.dispatcher import Dispatcher

PAUSE_SECONDS = 0.02


def main(patience: float) -> None:
    """Deliver until killed; a receiver may take `patience` seconds."""
    settings = load_settings()
    plane = open_control_plane(settings)

    def link(artifact_id: str, _: datetime) -> str:
        return f"{settings.base_url}/{artifact_id}"

    outbox = Outbox(plane.engine, settings.webhook_secret, link)
    dispatcher = Dispatcher(outbox, settings.webhook_allow_private, send=partial(post, seconds=patience))
    while True:
        if not dispatcher.deliver_one():
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main(float(sys.argv[1]))

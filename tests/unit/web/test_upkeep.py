"""The upkeep thread goes on, whatever one look at the queue ends with."""

import logging

import pytest
from flask import Flask

from vidgen.jobs.line.watchdog import Watchdog
from vidgen_web import upkeep
from vidgen_web.services import EXTENSION, Services


@pytest.mark.parametrize(
    "error", [OSError("away"), KeyError("nobody foresaw it")], ids=lambda error: type(error).__name__
)
def test_an_error_does_not_end_it(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """Fails when only errors of the database and of files are caught: tried."""
    services: Services = app.extensions[EXTENSION]
    looks: list[int] = []

    def look(_: Watchdog) -> None:
        looks.append(1)
        if len(looks) > 1:
            services.stopping.set()
        raise error

    monkeypatch.setattr(upkeep, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(Watchdog, "look", look)
    upkeep._keep_up(services)
    assert len(looks) == 2
    unforeseen = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(unforeseen) == (2 if isinstance(error, KeyError) else 0)
    assert all(record.exc_info for record in unforeseen)
    counted = app.test_client().get("/metrics").get_data(as_text=True)
    assert f"vidgen_upkeep_failures_total {len(unforeseen)}.0" in counted

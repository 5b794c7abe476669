"""POST /uploads with the real child program behind it, measured."""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests.jobs_fixtures import control_plane
from vidgen.media import confinement
from vidgen_web import create_app
from vidgen_web.programs import TIMEOUT_SECONDS
from vidgen_web.services import EXTENSION

ROOT = Path(__file__).parents[2]
CHILD = f"""
import sys
sys.path[:0] = {[str(ROOT / part) for part in ("", "models")]!r}
from vidgen.media.ingest import main
sys.exit(main())
"""


@dataclass
class Uploader:
    """POST /uploads, and what the child took for the latest file."""

    client: FlaskClient
    report: Path
    incoming: Path
    answer: dict[str, Any] = field(default_factory=dict)

    def __call__(self, content: bytes, name: str = "file.mp4") -> int:
        boundary, form = encode_multipart({"file": FileStorage(io.BytesIO(content), name)})
        response = self.client.post(
            "/api/v1/uploads", data=form, content_type=f"multipart/form-data; boundary={boundary}"
        )
        self.answer = response.get_json()
        return response.status_code

    def content(self) -> bytes:
        with self.client.get(f"/api/v1/uploads/{self.answer['id']}/content") as response:
            return bytes(response.data)

    def took(self) -> dict[str, Any]:
        return dict(json.loads(self.report.read_text().splitlines()[-1]))

    def check_caps(self) -> dict[str, Any]:
        """Nothing is left behind, and the child has kept within its limits."""
        took = self.took()
        assert took["memory"] < confinement.MEMORY_BYTES
        assert took["cpu"] < confinement.CPU_SECONDS + 1
        assert took["seconds"] < TIMEOUT_SECONDS + 1
        assert took["folder"] == ["out", "source"]
        assert list(self.incoming.iterdir()) == []
        return took


@contextmanager
def measured_app(folder: Path) -> Iterator[Flask]:
    """The web application, its child program measured into `folder`/report."""
    measured = (sys.executable, "-I", "-S", str(ROOT / "tests/security/measure.py"), str(folder / "report"))
    with control_plane(folder) as plane:
        app = create_app(plane.settings, ingest_command=(*measured, sys.executable, "-I", "-c", CHILD))
        yield app
        app.extensions[EXTENSION].engine.dispose()


def uploader(app: Flask) -> Uploader:
    settings = app.extensions[EXTENSION].settings
    return Uploader(app.test_client(), settings.data_dir / "report", settings.incoming_dir)

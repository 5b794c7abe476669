"""The unmodified `openai` SDK, 2.x and 3.x, against `vidgen up` with the embedded model.

`make sdks` installs both, each in a folder of its own (.sdk/); `make test` does so before the tests.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.test_service import service
from tests.faults.worker_process import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
VERBS = ROOT / "tests" / "sdk" / "verbs.py"
EXAMPLE = ROOT / "docs" / "examples" / "openai_client.py"
LOOPBACK = {"WEBHOOK_ALLOW_PRIVATE": "127.0.0.1/32", "FETCH_ALLOW_PRIVATE": "127.0.0.1/32"}


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with service(tmp_path_factory.mktemp("service"), **LOOPBACK) as up:
        wait_until(up.is_ready, 60, "the service")
        yield f"{up.base}/v1"


@pytest.fixture(params=["openai-2", "openai-3"])
def sdk(request: pytest.FixtureRequest) -> Path:
    folder = ROOT / ".sdk" / str(request.param)
    if not (folder / "openai").is_dir():
        pytest.skip(f"{folder.relative_to(ROOT)} is missing: `make sdks` installs it")
    pinned = (ROOT / "tests" / "sdk" / f"{request.param}.txt").read_text().strip().partition("==")[2]
    assert (folder / f"openai-{pinned}.dist-info").is_dir(), "`make sdks` installs the version that is named now"
    return folder


def run(*command: str, **environment: str) -> str:
    """The output of a program that must succeed."""
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_verb_works(sdk: Path, base_url: str) -> None:
    """Fails when 422 is not 400, when `last_id` or the poll header is left out, when a variant is missing: tried."""
    assert "every verb of" in run(str(VERBS), str(sdk), base_url)


def test_the_example_runs(sdk: Path, base_url: str, tmp_path: Path) -> None:
    told = run(str(EXAMPLE), "--base-url", base_url, "--folder", str(tmp_path), PYTHONPATH=str(sdk))
    assert told.count("completed") == 5
    assert told.count("deleted") == 5
    assert {path.name for path in tmp_path.iterdir()} == {"rocket.mp4", "rocket.jpg", "rocket-sheet.jpg"}

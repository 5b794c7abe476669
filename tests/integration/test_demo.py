"""`make demo` as a newcomer runs it: three clips, three verified webhooks, a clean stop."""

import subprocess
import sys
from pathlib import Path

import pytest

from vidgen.media.probe import probe

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "creator.py"


@pytest.mark.timeout(300)
def test_the_creators_afternoon(tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("webhook job.succeeded: signature verified") == 3
    assert "exit code 0" in done.stdout
    clips = sorted(tmp_path.glob("*.mp4"))
    assert [clip.name[0] for clip in clips] == ["1", "2", "3"]
    assert [probe(clip).num_frames for clip in clips] == [17, 17, 17]

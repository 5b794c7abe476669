"""Promise 15 for /recall: who reads a stranger's file for its recipe has as little to spend as who re-encodes one."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

from tests.recipes import RECALL, RECIPE, ROOT
from vidgen.media import confinement
from vidgen.media.delivery import xmp

MEGABYTE = 1 << 20
LIMITS = {
    "RLIMIT_AS": confinement.MEMORY_BYTES,
    "RLIMIT_CPU": confinement.CPU_SECONDS,
    "RLIMIT_FSIZE": confinement.FILE_BYTES,
    "RLIMIT_CORE": 0,
    "RLIMIT_NPROC": 0,
    "RLIMIT_NOFILE": confinement.OPEN_FILES,
}
# the program itself, with a reader that tells what it may
TELLING = f"""
import json, resource, sys
sys.path[:0] = {[str(ROOT / part) for part in ("", "models")]!r}
from vidgen.media import recall
class Told:
    def text(self):
        return json.dumps({{name: resource.getrlimit(getattr(resource, name)) for name in {list(LIMITS)!r}}})
recall.recall = lambda path: Told()
sys.exit(recall.main())
"""


def run(command: tuple[str, ...], file: Path) -> "subprocess.CompletedProcess[str]":
    """As the web process runs it: with nothing of this one's environment."""
    return subprocess.run([*command, str(file)], env={"PATH": os.defpath}, capture_output=True, text=True, check=False)


def holding(file: Path, before: int) -> Path:
    """A file with a recipe behind that many bytes of nothing, which take no room on the disk."""
    with file.open("wb") as out:
        out.seek(before)
        out.write(xmp.packet(RECIPE.text()))
    return file


def test_the_reader_is_limited_before_it_opens_the_file(tmp_path: Path) -> None:
    """Fails when the program does not call `limit_resources`: tried."""
    told = json.loads(run((sys.executable, "-c", TELLING), holding(tmp_path / "clip", 0)).stdout)
    assert told == {name: [limit, limit] for name, limit in LIMITS.items()}
    assert resource.getrlimit(resource.RLIMIT_AS)[0] != confinement.MEMORY_BYTES, "the limits are the child's own"


def test_a_file_that_takes_more_memory_than_there_is_for_it_is_refused(tmp_path: Path) -> None:
    """Fails when the program does not call `limit_resources`: tried, the recipe was found behind four gigabytes."""
    small = run(RECALL, holding(tmp_path / "small", MEGABYTE))
    assert (small.returncode, json.loads(small.stdout)) == (0, json.loads(RECIPE.text()))
    large = run(RECALL, holding(tmp_path / "large", confinement.MEMORY_BYTES + (1 << 30)))
    assert large.returncode == 2, large.stdout
    assert json.loads(large.stdout)["error"]["code"] == "no_recipe"

"""Promise 15: no upload exceeds its caps, reads another file or reaches a host. Everything goes through POST /uploads.

The child that reads a file is the real one; between it and the web process stands a program that measures it.

Fails when a rule is missing; tried: containers that are guessed, from files by name, under any protocol (a format that
is guessed alone does no harm yet: the open file and the missing protocol hold), no check of the length, of the frames'
sizes, of the codec's name, of a picture's sides, an environment that is passed on, a result that is a link.
"""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.jobs_fixtures import control_plane
from tests.security import hostile_media
from tests.security.canaries import Canaries, canaries
from tests.security.uploader import CHILD, ROOT, Uploader, measured_app, uploader
from vidgen_web import create_app
from vidgen_web.services import EXTENSION

pytestmark = pytest.mark.slow

MEGABYTE = 1 << 20
# where another rule would refuse it too, later and dearer
REASONS = {"mp4 of a hundred hours": "360000 seconds", "mkv of forty streams": "more than 16 streams"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with measured_app(tmp_path_factory.mktemp("service")) as app:
        yield app


@pytest.fixture
def upload(app: Flask) -> Uploader:
    return uploader(app)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canaries]:
    file = tmp_path_factory.mktemp("canary") / "canary.mp4"
    file.write_bytes(hostile_media.clip())
    with canaries(file) as state:
        yield state


def test_the_canaries_sing(watched: Canaries) -> None:
    """What would be noticed is noticed."""
    watched.opened()
    watched.file.read_bytes()
    assert watched.opened()
    assert not watched.opened()


@pytest.mark.parametrize(
    ("name", "make"), hostile_media.refused().items(), ids=lambda it: it if isinstance(it, str) else ""
)
def test_what_breaks_a_rule_is_refused(name: str, make: Callable[[], bytes], upload: Uploader) -> None:
    status = upload(make())
    assert (status, upload.answer["code"]) == (422, "invalid_media"), name
    assert str(upload.incoming) not in str(upload.answer)
    took = upload.check_caps()
    # refused by a rule, and not by a limit that it ran into
    assert took["exit"] == 2, (took, upload.answer)
    assert took["memory"] < 1024 * MEGABYTE
    assert REASONS.get(name, "") in upload.answer["detail"]


@pytest.mark.parametrize("name", hostile_media.references(Path("/x"), "http://x"))
def test_no_other_file_is_opened_and_no_host_is_called(name: str, upload: Uploader, watched: Canaries) -> None:
    watched.opened()
    content = hostile_media.references(watched.file, watched.url)[name]
    for shown in ("clip.mp4", "list.ffconcat", "picture.svg"):
        assert upload(content, shown) == 422
        upload.check_caps()
    assert not watched.opened()
    assert watched.calls == []


@pytest.mark.parametrize("name", hostile_media.harmless_with_marker())
def test_only_pixels_survive(name: str, upload: Uploader) -> None:
    content = hostile_media.harmless_with_marker()[name]
    assert upload(content) == 201, upload.answer
    upload.check_caps()
    assert upload.answer["content_type"] in ("image/png", "video/mp4")
    kept = upload.content()
    assert hostile_media.MARKER not in kept
    assert b"<script" not in kept
    assert b"iCCP" not in kept[:200]


@pytest.mark.parametrize("make", [hostile_media.png_text_bomb, hostile_media.long_table], ids=lambda it: it.__name__)
def test_useless_ballast_costs_little(make: Callable[[], bytes], upload: Uploader) -> None:
    assert upload(make()) in (201, 422)
    assert upload.check_caps()["memory"] < 512 * MEGABYTE


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (hostile_media.picture("PNG"), "clip.mp4", "image"),
        (hostile_media.picture("JPEG"), "x.svg", "image"),
        (hostile_media.clip(), "picture.png", "video"),
        (hostile_media.animation("WEBP", 300), "x.webp", "image"),
        (hostile_media.animation("PNG", 300), "x.png", "image"),
        (hostile_media.animation("GIF", 30), "x.png", "video"),
    ],
    ids=["png as mp4", "jpeg as svg", "mp4 as png", "animated webp", "animated png", "gif as png"],
)
def test_a_name_says_nothing(content: bytes, name: str, kind: str, upload: Uploader) -> None:
    """The bytes decide; of an animated picture that is no GIF the first frame is kept."""
    assert upload(content, name) == 201
    upload.check_caps()
    assert upload.answer["kind"] == kind
    head = upload.content()[:12]
    assert head.startswith(b"\x89PNG") if kind == "image" else head[4:8] == b"ftyp"


def test_the_child_gets_no_environment(upload: Uploader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDGEN_SECRET_KEY", "canary" * 8)
    upload(b"x")
    # Python adds LC_CTYPE by itself
    assert set(upload.took()["environment"]) <= {"PATH", "LC_CTYPE"}


def test_a_result_that_is_a_link_is_not_published(tmp_path: Path) -> None:
    """A child that was taken over could name a file of the service's own."""
    secret = tmp_path / "secret"
    secret.write_text("canary")
    facts = {"kind": "image", "filename": "media.png", "content_type": "image/png", "width": 64, "height": 64}
    lie = f"import os, sys; os.symlink({str(secret)!r}, sys.argv[2] + '/media.png'); print({json.dumps(facts)!r})"
    for script in (lie, f"print({json.dumps(facts)!r})"):
        with control_plane(tmp_path) as plane:
            other = create_app(plane.settings, ingest_command=(sys.executable, "-c", script))
            upload = Uploader(other.test_client(), tmp_path / "report", plane.settings.incoming_dir)
            assert upload(b"x") == 422
            other.extensions[EXTENSION].engine.dispose()


def test_files_beyond_the_turns_are_asked_to_come_again(app: Flask, upload: Uploader) -> None:
    """Fails when `_turn` lets everybody in: tried."""
    turns = app.extensions[EXTENSION].ingests
    while turns.acquire(blocking=False):
        pass
    try:
        assert upload(b"x") == 503
        assert upload.answer["code"] == "too_many_uploads"
    finally:
        turns.release()
        turns.release()


LIMITED = f"""
import resource, sys
sys.path[:0] = {[str(ROOT / part) for part in ("", "models")]!r}
from vidgen.media import confinement
confinement.CPU_SECONDS = 2
confinement.FILE_BYTES = 1 << 20
import os, signal, tempfile, threading
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
if os.getuid() == 0:
    os.setuid(65534)
confinement.limit_resources()
"""


@pytest.mark.parametrize(
    ("deed", "end"),
    [
        ("bytearray(4 << 30)", "MemoryError"),
        ("while True: pass", "killed"),
        ("tempfile.TemporaryFile().write(bytes(2 << 20))", "File too large"),
        ("os.fork()", "BlockingIOError"),
        ("threading.Thread(target=print).start()", "RuntimeError"),
        ("[open('/dev/null') for _ in range(40)]", "Too many open files"),
    ],
    ids=["memory", "cpu", "file size", "processes", "threads", "open files"],
)
def test_the_limits_hold(deed: str, end: str) -> None:
    """Fails when a limit is taken out of `limit_resources`: tried with each."""
    done = subprocess.run([sys.executable, "-c", LIMITED + deed], capture_output=True, text=True, timeout=120)
    if end == "killed":
        assert done.returncode == -signal.SIGKILL
    else:
        assert end in done.stderr
        assert done.returncode == 1


# once everything is imported: the interpreter may lie where only root can read
NOBODY = "import os; os.getuid() or os.setuid(65534)\nsys.exit"
CODECS = {
    "H.264": ("mp4", "libx264"),
    "HEVC": ("mp4", "libx265"),
    "VP9": ("webm", "libvpx-vp9"),
    "VP8": ("webm", "libvpx"),
    "AV1": ("mp4", "libsvtav1"),
    "MPEG-4": ("mov", "mpeg4"),
}


@pytest.mark.parametrize("name", CODECS)
def test_honest_clips_are_read_within_the_limits(name: str) -> None:
    """As a user who has no exemption from the limit on threads. Fails when a step may start one: tried with scaling."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "source", Path(folder) / "out"
        source.write_bytes(hostile_media.clip(*CODECS[name]))
        out.mkdir()
        for path, mode in ((Path(folder), 0o755), (source, 0o644), (out, 0o777)):
            path.chmod(mode)
        done = subprocess.run(
            [sys.executable, "-I", "-c", CHILD.replace("sys.exit", NOBODY), str(source), str(out)],
            capture_output=True,
            timeout=120,
            env={},
        )
        assert done.returncode == 0, done.stdout
        assert json.loads(done.stdout)["num_frames"] == 5

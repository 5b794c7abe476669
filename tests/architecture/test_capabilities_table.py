"""Every capability has a row in docs/capabilities.md with its state, and every test that the page names exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "capabilities.md").read_text()
# | A1 | capability | state | reached from | `unit/…/test_x.py::test_y`, … |
ROW = re.compile(r"^\| ([A-M]\d*) \|([^|]+)\|([^|]+)\|([^|]*)\|([^|]*)\|$", re.M)
TEST = re.compile(r"`([a-z0-9_/]+\.py)::(test_\w+)`")
NUMBERED = {"A": 12, "B": 4, "D": 5, "E": 5, "M": 7}
STATES = ("works", "partly", "missing")


def test_each_capability_has_one_row() -> None:
    found = [name for name, *_ in ROW.findall(PAGE)]
    assert len(found) == len(set(found))
    wanted = {f"{letter}{n}" for letter, count in NUMBERED.items() for n in range(1, count + 1)} | set("FGHIJKL")
    assert wanted <= set(found)
    assert any(name.startswith("C") for name in found)


def test_each_row_says_how_it_stands_and_names_its_proof() -> None:
    """Fails when a row claims to work and names neither a test nor where it is reached: tried."""
    for name, _capability, state, reached, proof in ROW.findall(PAGE):
        assert state.strip().startswith(STATES), name
        if not state.strip().startswith("missing"):
            assert reached.strip(), name
            assert TEST.findall(proof), name


def test_each_test_that_is_named_exists() -> None:
    """Fails when a test is renamed without the page: tried."""
    for file, name in TEST.findall(PAGE):
        assert (ROOT / "tests" / file).is_file(), file
        assert re.search(rf"^def {name}\(", (ROOT / "tests" / file).read_text(), re.M), f"{file}::{name}"

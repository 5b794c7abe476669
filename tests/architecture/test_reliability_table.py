"""Every promise stands in docs/reliability.md, and every test that the page names exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text()
PROMISES = 22
# | 3 | promise | `tests/…/test_x.py::test_y`, … | figures |
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.M)
TEST = re.compile(r"`([a-z_/]+\.py)::(test_\w+)`")
NOT_YET = "not yet"


def test_each_promise_has_one_row() -> None:
    assert [int(number) for number, *_ in ROW.findall(PAGE)] == list(range(1, PROMISES + 1))


def test_each_row_names_a_test_or_says_not_yet() -> None:
    """Fails when a row has neither: tried."""
    for number, _promise, proof, figures in ROW.findall(PAGE):
        assert TEST.findall(proof) or "`make " in proof or NOT_YET in proof, number
        assert figures.strip(), number


def test_each_test_that_is_named_exists() -> None:
    """Fails when a test is renamed without the page: tried."""
    named = TEST.findall(PAGE)
    assert len(named) > PROMISES / 2
    for file, name in named:
        assert (ROOT / "tests" / file).is_file(), file
        assert re.search(rf"^def {name}\(", (ROOT / "tests" / file).read_text(), re.M), f"{file}::{name}"

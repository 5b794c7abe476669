"""Every capability has a row in docs/capabilities.md with its state, and every test that the page names exists."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "capabilities.md").read_text()
# | A1 | capability | state | reached from | `unit/…/test_x.py::test_y`, … |
ROW = re.compile(r"^\| ([A-M]\d*) \|([^|]+)\|([^|]+)\|([^|]*)\|([^|]*)\|$", re.M)
TEST = re.compile(r"`([a-z0-9_/]+\.py)::(test_\w+)(?:\[([\w.-]+)\])?`")
FAMILY = re.compile(r"\(`(\w+)`\)")
CASE = re.compile(r"Case\(\s*\"([\w.-]+)\"")
EVERY_FAMILY = "unit/families/test_every_family.py"
RENDERED = "test_it_renders_a_file_tells_every_step_and_shows_previews"
"""Runs a case from its folder on disk through what workers call."""
FEWER = ("test_it_runs_in_the_number_format_of_gpus",)
"""Runs a case of every family."""
EMBEDDED = "wan_vace"
"""The family of the shipped model, which tests of real workers render."""
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


def test_each_test_that_is_named_exists_and_asserts_something() -> None:
    """Fails when a test is renamed without the page, or the page names a parameter that it does not have: tried."""
    cases = {case for file in (ROOT / "tests/tiny_families").glob("*.py") for case in CASE.findall(file.read_text())}
    for file, name, case in TEST.findall(PAGE):
        assert (ROOT / "tests" / file).is_file(), file
        assert asserts(ROOT / "tests" / file, name), f"{file}::{name}"
        assert not case or case in cases, case
        assert bool(case) == (file == EVERY_FAMILY) or name in FEWER, f"{file}::{name}: which case?"


def asserts(file: Path, name: str) -> bool:
    """Whether there is such a test, and it asserts something itself or has a function of its file do it."""
    functions = {it.name: it for it in ast.parse(file.read_text()).body if isinstance(it, ast.FunctionDef)}
    called = (
        {ast.unparse(it.func) for it in ast.walk(functions[name]) if isinstance(it, ast.Call)}
        if name in functions
        else {""}
    )
    own = [functions[it] for it in (name, *called) if it in functions]
    return any(isinstance(it, ast.Assert) for part in own for it in ast.walk(part)) or "pytest.raises" in called


def test_each_family_has_a_row_that_names_its_own_cases() -> None:
    """A row of a family is proved by that family's checkpoints, rendered as workers do it.

    Fails when the row of one family names the case of another, or only a test of something else: tried.
    """
    families = re.findall(
        r'^    "(\w+)": "vidgen\.families\.', (ROOT / "vidgen/families/__init__.py").read_text(), re.M
    )
    proofs = {}
    for name, capability, _state, _reached, proof in ROW.findall(PAGE):
        if name.startswith("C") and (found := FAMILY.search(capability)):
            proofs[found[1]] = TEST.findall(proof)
    assert sorted(proofs) == sorted(families)
    for family in families:
        if family == EMBEDDED:
            continue
        own = CASE.findall((ROOT / "tests/tiny_families" / f"{family}.py").read_text())
        named = [(test, case) for file, test, case in proofs[family] if file == EVERY_FAMILY]
        assert {case for _, case in named} <= set(own), family
        assert RENDERED in {test for test, _ in named}, family
    whole = (ROOT / "tests" / EVERY_FAMILY).read_text()
    assert all(re.search(rf"^    {family},$", whole, re.M) for family in families if family != EMBEDDED)


def test_no_test_is_the_only_proof_of_two_rows() -> None:
    """What proves everything proves nothing in particular. Fails when two rows name one test alone: tried."""
    alone = [proved[0] for *_, proof in ROW.findall(PAGE) if len(proved := TEST.findall(proof)) == 1]
    assert len(alone) == len(set(alone))

"""What is written down is true: settings, make verbs and links exist."""

import re
from pathlib import Path

import pytest

from vidgen.jobs.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("models/**/*.md")])


def variable(name: str) -> str:
    alias = Settings.model_fields[name].alias
    return alias or f"VIDGEN_{name.upper()}"


def test_every_setting_is_documented():
    page = (ROOT / "docs" / "operations.md").read_text()
    assert [name for name in Settings.model_fields if f"`{variable(name)}`" not in page] == []


def test_every_documented_setting_exists():
    known = {variable(name) for name in Settings.model_fields}
    for page in PAGES:
        named = set(re.findall(r"VIDGEN_(?!TEST_|FAULT_)[A-Z_]*[A-Z]", page.read_text()))
        assert named <= known, page.name


def test_every_make_verb_that_a_page_names_exists():
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in PAGES:
        named = set(re.findall(r"`make ([a-z-]+)", page.read_text()))
        assert named <= verbs, page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), target


def test_decisions_are_numbered_once() -> None:
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        assert page.read_text().startswith(f"# {int(page.name[:4])}. "), page.name

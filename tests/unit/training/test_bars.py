"""Bars: what is held and by how much not; figures measured now and stored ones; the table in the model card."""

from dataclasses import replace
from pathlib import Path

import pytest

from training import figures
from training.bars import BARS, Bar
from training.bars_table import BEGIN, END, STORED, row, shown, table, verdict, write

MEASURED = {
    "frames": {
        "command": "c",
        "of": "net-1",
        "values": {"ours": {"psnr": 30.5, "ms": 40}, "peer": {"psnr": 31.0, "ms": 90}},
    },
    "words": {"command": "c", "of": "net-2", "values": {"subject": 0.9, "shuffled": 0.02}},
}
AGAINST_PEER = Bar("", "PSNR", "frames/ours/psnr", "frames/peer/psnr", "dB", limit="too small")


def test_a_bar_against_a_peer_says_by_how_much_it_is_missed() -> None:
    assert AGAINST_PEER.held(MEASURED) is False
    assert verdict(AGAINST_PEER, MEASURED) == "**no**, by 0.50 dB"
    assert "too small" in row(AGAINST_PEER, MEASURED, MEASURED)
    nearly = replace(AGAINST_PEER, margin=0.6)
    assert verdict(nearly, MEASURED) == "yes"
    assert "too small" not in row(nearly, MEASURED, MEASURED)


def test_a_bar_that_must_stay_below_is_turned_round() -> None:
    """Fails when `at_least` is not looked at: tried."""
    faster = Bar("", "time", "frames/ours/ms", "frames/peer/ms", "ms", at_least=False)
    assert faster.held(MEASURED) is True
    assert replace(faster, wanted=30.0).held(MEASURED) is False


def test_what_was_not_measured_is_neither_held_nor_missed() -> None:
    for bar in (Bar("", "b", "frames/theirs/psnr", 1), Bar("", "b", "words/subject", "frames/theirs/psnr")):
        assert bar.held(MEASURED) is None
        assert verdict(bar, MEASURED) == "not measured"


def test_figures_that_were_not_measured_in_this_run_are_marked() -> None:
    subjects = Bar("", "subjects", "words/subject", 0.92, control="words/shuffled", beside="shuffled")
    assert "| 90 %\\* | 2 % (shuffled) | **no**, by 2 points |" in row(subjects, MEASURED, {"frames"})
    assert "| 90 % | 2 % (shuffled) |" in row(subjects, MEASURED, {"words"})


def test_sections_are_kept_beside_each_other_and_written_anew(tmp_path: Path) -> None:
    figures.keep(tmp_path, "one", "command", "net", {"a": 1})
    figures.keep(tmp_path, "two", "command", "net", {"b": {"c": 2}})
    figures.keep(tmp_path, "one", "command", "net", {"d": 3})
    found = figures.read(tmp_path)
    assert figures.value(found, "one/a") is None
    assert figures.value(found, "one/d") == 3
    assert figures.value(found, "two/b/c") == 2


def test_a_card_without_marks_is_left_alone(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("words\n")
    with pytest.raises(ValueError, match="no marks"):
        write(card, "table\n")
    card.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write(card, "table\n")
    assert card.read_text() == f"before\n{BEGIN}\ntable\n{END}\nafter\n"


def test_every_bar_was_measured() -> None:
    stored = figures.read(STORED)
    assert [bar.name for bar in BARS if bar.held(stored) is None] == []


def test_the_card_holds_the_table_of_the_stored_figures() -> None:
    """Fails when a stored figure is changed and the table is not made anew: tried."""
    stored = figures.read(STORED)
    assert table(stored, stored) in (STORED / "sprites-64.md").read_text()


def test_every_bar_that_is_not_held_says_what_limits_it() -> None:
    stored = figures.read(STORED)
    assert [bar.name for bar in BARS if bar.held(stored) is False and not bar.limit] == []
    assert shown(None, "dB") == "not measured"

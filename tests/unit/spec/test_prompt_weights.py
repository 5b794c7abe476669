"""Weights in prompts: what is understood, and what is refused with how it would be written."""

import pytest

from vidgen.errors import SpecError
from vidgen.spec.prompt_weights import Emphasis, WeightedText, has_weights, weighted_text


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a red cat", WeightedText("a red cat")),
        ("a (red:1.4) cat", WeightedText("a red cat", (Emphasis(2, 5, 1.4),))),
        ("(a red cat: .5 ) left", WeightedText("a red cat left", (Emphasis(0, 9, 0.5),))),
        ("a (red:0) (cat:2)", WeightedText("a red cat", (Emphasis(2, 5, 0.0), Emphasis(6, 9, 2.0)))),
        ("a cat (in winter)", WeightedText("a cat (in winter)")),
        (r"a cat \(red:1.4\) \[x\]", WeightedText("a cat (red:1.4) [x]")),
        ("1:2 and :)", WeightedText("1:2 and :)")),
        (r"back\slash", WeightedText(r"back\slash")),
        ("", WeightedText("")),
    ],
)
def test_what_is_written_is_what_is_meant(prompt: str, expected: WeightedText) -> None:
    assert weighted_text(prompt) == expected
    assert has_weights(prompt) == bool(expected.emphases)


@pytest.mark.parametrize(
    ("prompt", "written", "meant"),
    [
        ("a (red:lots) cat", "(red:lots)", "(red:1.1)"),
        ("a (red:-1) cat", "(red:-1)", "(red:1.1)"),
        ("a (red:) cat", "(red:)", "(red:1.1)"),
        ("a (red:1.3 cat", "(red:1.3 cat", "(red:1.1)"),
        ("a ((red)) cat", "((red))", "(red:1.21)"),
        ("a (((red))) cat", "(((red)))", "(red:1.33)"),
        ("a [red] cat", "[red]", "(red:0.9)"),
        ("a [red|blue] cat", "[red|blue]", "(red|blue:0.9)"),
    ],
)
def test_what_is_not_understood_is_refused_with_how_it_is_written(prompt: str, written: str, meant: str) -> None:
    with pytest.raises(SpecError) as refused:
        weighted_text(prompt, "segments.1.prompt")
    assert refused.value.field == "segments.1.prompt"
    assert f"segments.1.prompt: {written}: not understood; for a weight write {meant}" in refused.value.message


def test_weights_beyond_the_range_are_refused_with_the_nearest() -> None:
    with pytest.raises(SpecError, match=r"\(red:3\): a weight is from 0 to 2; nearest is 2") as refused:
        weighted_text("a (red:3) cat")
    assert refused.value.nearest == (2.0,)

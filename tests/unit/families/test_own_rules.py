"""What a folder says of itself holds for it; what is no rules is refused by the name of the field."""

import json
from pathlib import Path

import pytest

from vidgen.errors import ModelError
from vidgen.families.description import Description
from vidgen.families.own_rules import FILE, described
from vidgen.spec import ModelRules
from vidgen_models.registry import ModelRegistry


@pytest.fixture
def said() -> Description:
    return Description(ModelRegistry().get("sprites-64").rules, 512)


def told(folder: Path, content: object) -> Path:
    (folder / FILE).write_text(json.dumps(content))
    return folder


def test_a_folder_that_says_nothing_has_its_familys_rules(tmp_path: Path, said: Description) -> None:
    assert described(tmp_path, said) == said


def test_what_a_folder_says_takes_the_place_of_the_familys(tmp_path: Path, said: Description) -> None:
    sides = {"min": 128, "max": 128, "multiple": 16, "default_width": 128, "default_height": 128}
    found = described(told(tmp_path, {"text_length": 32, "rules": {"sides": sides}}), said)
    assert found.text_length == 32
    assert found.rules.sides.default_width == 128
    assert found.rules.model_copy(update={"sides": said.rules.sides}) == said.rules
    assert isinstance(found.rules, ModelRules)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"text_length": 32, "rules": {"fps": 0}}, "fps"),
        ({"text_length": 32, "rules": {"colour": "red"}}, "colour"),
        ({"rules": {}}, "text_length"),
        ([1, 2], "expected an object"),
    ],
)
def test_what_is_no_rules_is_refused(tmp_path: Path, said: Description, content: object, named: str) -> None:
    """Fails when the file's fields are taken unchecked: tried."""
    with pytest.raises(ModelError, match=named):
        described(told(tmp_path, content), said)

"""What a folder of a family can do, in the words of a manifest."""

from dataclasses import dataclass

from vidgen.spec import ModelRules, SideRule


@dataclass(frozen=True, slots=True)
class Description:
    """The rules of a model, and how many tokens its text encoder takes (0: none)."""

    rules: ModelRules
    text_length: int


def sides(multiple: int, *, width: int, height: int, largest: int = 1920) -> SideRule:
    """Sides of any multiple up to `largest`; the default is what the family was trained at."""
    low = -(-max(8, multiple) // multiple) * multiple
    return SideRule(min=low, max=largest, multiple=multiple, default_width=width, default_height=height)

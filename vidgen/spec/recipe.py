"""What a finished file says of how it was made: enough to make it again, and nothing of the machine that made it."""

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from vidgen.spec.base import SpecModel
from vidgen.spec.job import JobSpec

LARGEST = 4 << 20
"""Bytes. A hundred segments and takes with the longest prompts have less."""

DEEPEST = 20


class Recipe(SpecModel):
    """Lies in every file as JSON. `recipe` is the version of this form."""

    recipe: Literal[1] = 1
    spec: JobSpec = Field(description="The resolved spec; POST /jobs takes it as it is.")
    model_revision: str = Field(max_length=100)
    vidgen: str = Field(max_length=100, description="The version that made the file.")
    media: Mapping[str, str] = Field(
        default_factory=dict, max_length=100, description="sha256 of each picture or clip that the spec names, by id."
    )
    source: "Recipe | None" = Field(default=None, description="Of the clip that was processed, as it came.")

    @model_validator(mode="after")
    def _not_too_deep(self) -> "Recipe":
        if sum(1 for _ in self.chain()) > DEEPEST:
            raise ValueError(f"at most {DEEPEST} clips were made of each other")
        return self

    def chain(self) -> "Iterator[Recipe]":
        """This recipe, that of its source, and so on."""
        recipe: Recipe | None = self
        while recipe is not None:
            yield recipe
            recipe = recipe.source

    def whole(self) -> JobSpec:
        """One spec for everything: what the first clip was made of, with all steps since, and the last output.

        Where the first clip's recipe is not known, the spec of the earliest that is.
        """
        *later, first = self.chain()
        steps = tuple(step for recipe in reversed([*later, first]) for step in recipe.spec.post)
        return first.spec.model_copy(update={"post": steps, "output": self.spec.output})

    def text(self) -> str:
        """As it is written into files."""
        return self.model_dump_json()


def read_recipe_text(text: str | bytes) -> Recipe | None:
    """The recipe that `text` is; None for anything else, as files come from anywhere."""
    if len(text) > LARGEST:
        return None
    try:
        return Recipe.model_validate_json(text)
    except ValidationError:
        return None

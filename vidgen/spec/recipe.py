"""What a finished file says of how it was made: enough to make it again, and nothing of the machine that made it."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, ValidationError

from vidgen.spec.base import SpecModel
from vidgen.spec.job import JobSpec

LARGEST = 4 << 20
"""Bytes. A hundred segments and takes with the longest prompts have less."""

SHA256 = r"^[0-9a-f]{64}$"


class Recipe(SpecModel):
    """Lies in every file as JSON. `recipe` is the version of this form."""

    recipe: Literal[1] = 1
    spec: JobSpec = Field(description="The resolved spec; POST /jobs takes it as it is.")
    model_revision: str = Field(max_length=100)
    vidgen: str = Field(max_length=100, description="The version that made the file.")
    media: Mapping[str, str] = Field(
        default_factory=dict, max_length=100, description="sha256 of each picture or clip that the spec names, by id."
    )

    def text(self) -> str:
        """As it is written into files."""
        return self.model_dump_json(exclude_defaults=False)


def read_recipe_text(text: str | bytes) -> Recipe | None:
    """The recipe that `text` is; None for anything else, as files come from anywhere."""
    if len(text) > LARGEST:
        return None
    try:
        return Recipe.model_validate_json(text)
    except ValidationError:
        return None

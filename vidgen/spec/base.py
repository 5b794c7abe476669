"""The base of every model whose text comes from outside."""

from pydantic import BaseModel, ConfigDict


class SpecModel(BaseModel):
    """Frozen, and refuses fields it does not know, so that a typo is an error and not a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

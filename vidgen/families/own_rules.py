"""What a folder says of itself in `rules.json`: the sizes, windows and controls that its weights were trained for.

A folder in the diffusers layout says none of that, so that a family's defaults would hold for networks that know other
sizes. Recipes write the file beside what they trained; it is data, and every field of it is checked: its type and
bounds, whether its numbers go together, and that it claims nothing that the family's adapter cannot do.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, Field, ValidationError

from vidgen.errors import ModelError
from vidgen.families.claims import faults
from vidgen.families.description import Description
from vidgen.spec import ModelRules
from vidgen.spec.base import SpecModel
from vidgen.spec.wrong_fields import wrong_fields

FILE = "rules.json"
Checked = TypeVar("Checked", bound=BaseModel)


class Told(SpecModel):
    """The file: an object of these. What it leaves out, at any depth, is the family's."""

    text_length: int | None = Field(default=None, ge=1, description="Tokens; at most the family's.")
    rules: Mapping[str, Any] = Field(default_factory=dict, description="Fields are those of ModelRules.")


def described(folder: Path, said: Description) -> Description:
    """`said` of the folder's family, with what the folder itself tells.

    Raises ModelError naming the file, the field, its rule, and the nearest valid value where there is one.
    """
    file = folder / FILE
    if not file.is_file():
        return said
    told = _checked(Told, _json(file), "")
    rules = _checked(ModelRules, _over(said.rules, told.rules), "rules.")
    for fault in faults(rules, said):
        raise ModelError(f"{FILE}: rules.{fault.field}={fault.message}")
    length = said.text_length if told.text_length is None else told.text_length
    if length > said.text_length:
        most = said.text_length
        raise ModelError(f"{FILE}: text_length={length}: at most {most}, as the family reads; nearest: {most}")
    return replace(said, rules=rules, text_length=length)


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{FILE}: not read as JSON: {error}") from error


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _checked(kind: type[Checked], content: Any, before: str) -> Checked:
    """Strictly: no text counts as a number, and no number as true."""
    try:
        return kind.model_validate_json(json.dumps(content), strict=True)
    except ValidationError as error:
        first = wrong_fields(error, kind)[0]
        if not first.field:
            raise ModelError(f"{FILE}: expected an object of text_length and rules") from error
        near = f"; nearest: {first.nearest[0]}" if first.nearest and "nearest" not in first.message else ""
        raise ModelError(f"{FILE}: {before}{first.field}: {first.message}{near}") from error


def _over(own: BaseModel, told: Mapping[str, Any]) -> dict[str, Any]:
    """What was told, over the family's own: rules within rules field by field, lists and tables as a whole."""
    made = own.model_dump(mode="json")
    for name, value in told.items():
        within = getattr(own, name, None)
        made[name] = _over(within, value) if isinstance(within, BaseModel) and isinstance(value, dict) else value
    return made

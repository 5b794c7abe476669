"""What a folder says of itself in `rules.json`: the sizes, windows and controls that its weights were trained for.

A folder in the diffusers layout says none of that, so that a family's defaults would hold for networks that know other
sizes. Recipes write the file beside what they trained; it is data, and checked as everything of the folder is.
"""

import json
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from vidgen.errors import ModelError
from vidgen.families.description import Description
from vidgen.spec import ModelRules

FILE = "rules.json"
"""An object of `text_length` and `rules`, whose fields are those of ModelRules; what it leaves out is the family's."""


def described(folder: Path, said: Description) -> Description:
    """`said` of the folder's family, with what the folder itself tells. Raises ModelError where that is no rules."""
    file = folder / FILE
    if not file.is_file():
        return said
    try:
        told = json.loads(file.read_text())
        rules = ModelRules.model_validate(said.rules.model_dump() | told["rules"])
        return replace(said, rules=rules, text_length=int(told["text_length"]))
    except ValidationError as error:
        first = error.errors()[0]
        raise ModelError(f"{FILE}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{FILE}: expected an object of text_length and rules: {error!r}") from error

"""/docs: the API's description for people, drawn from the same OpenAPI document that programs read."""

from typing import Any

from flask import Blueprint, current_app, render_template

from vidgen_web.access import PUBLIC, needs
from vidgen_web.api.openapi import document
from vidgen_web.problems import MEANINGS

blueprint = Blueprint("docs", __name__)


@blueprint.get("/docs")
@needs(PUBLIC)
def show() -> str:
    described = document(current_app)
    by_tag: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in described["tags"]}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append({"path": path, "method": method.upper(), **operation})
    return render_template("docs.html", described=described, by_tag=by_tag, codes=MEANINGS, name_of=_name_of)


def _name_of(schema: dict[str, Any]) -> str:
    """A schema in a few words: the name it has, or its type."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1])
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(_name_of(part) for part in schema[key])
    if schema.get("type") == "array":
        return f"list of {_name_of(schema.get('items', {}))}"
    if "const" in schema:
        return f"“{schema['const']}”"
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    return str(schema.get("format") or schema.get("type", "anything"))

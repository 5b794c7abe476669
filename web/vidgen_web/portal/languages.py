"""The portal's languages: English as the templates and scripts are written, others from catalogues in `translations/`.

Knows requests and catalogues. What the API says of a wrong field is translated in `messages`.
"""

import json
from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from typing import cast

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Blueprint, Flask, has_request_context, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from vidgen_web.access import PUBLIC, needs
from vidgen_web.portal import csrf

NAMES = {"en": "English", "de": "Deutsch"}
SOURCE = "en"
COOKIE = "vidgen_language"
COOKIE_SECONDS = 400 * 86400
TRANSLATIONS = Path(__file__).parents[1] / "translations"

blueprint = Blueprint("languages", __name__)


def register(app: Flask) -> None:
    """Give templates `_()`, `language`, `languages` and the texts of the scripts."""
    app.jinja_env.globals["_"] = gettext

    @app.context_processor
    def offer() -> dict[str, object]:
        chosen = language()
        return {"language": chosen, "languages": NAMES, "script_texts": _in_quotes(script_texts(chosen))}


@blueprint.post("/language")
@needs(PUBLIC)
def choose() -> Response:
    """Keep the language in a cookie."""
    csrf.check()
    response = redirect(url_for("portal.home"), 303)
    asked = request.form.get("language", "")
    if asked in NAMES:
        response.set_cookie(COOKIE, asked, max_age=COOKIE_SECONDS, samesite="Lax", secure=request.is_secure, path="/")
    return response


def language() -> str:
    """What was chosen, else the best of what the browser asks for."""
    if not has_request_context():
        return SOURCE
    chosen = request.cookies.get(COOKIE, "")
    return chosen if chosen in NAMES else request.accept_languages.best_match(NAMES, SOURCE) or SOURCE


def gettext(message: str, /, **values: object) -> str:
    """The message in the request's language, with `values` at its %(names)s."""
    chosen = language()
    text = message if chosen == SOURCE else _compiled(chosen).gettext(message)
    return text % values if values else text


def mark(message: str) -> str:
    """Marks a text for translation that is told later, through gettext."""
    return message


@cache
def script_texts(chosen: str) -> str:
    """The texts of the scripts in this language, as a JSON object; {} for the language they are written in."""
    if chosen == SOURCE:
        return "{}"
    texts = {
        str(message.id): str(message.string)
        for message in catalogue(chosen)
        if message.id and any(file.endswith(".js") for file, _ in message.locations)
    }
    return json.dumps(texts, ensure_ascii=False)


def _in_quotes(text: str) -> Markup:
    """As the value of an attribute in single quotes: JSON is full of double ones, which would take five bytes each."""
    return Markup(text.replace("&", "&amp;").replace("'", "&#39;").replace("<", "&lt;"))


@cache
def catalogue(chosen: str) -> Catalog:
    """A language's catalogue as its file holds it."""
    with (TRANSLATIONS / f"{chosen}.po").open("rb") as file:
        return read_po(file, locale=chosen)


@cache
def _compiled(chosen: str) -> GNUTranslations:
    compiled = BytesIO()
    write_mo(compiled, catalogue(chosen))
    compiled.seek(0)
    return GNUTranslations(cast("object", compiled))  # type: ignore[arg-type]

"""Every text of the portal exists in every language, and pages come in the one that was asked for."""

import html
import json
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from flask.testing import FlaskClient

from tests.unit.web.portal_forms import send
from vidgen_web.portal.languages import NAMES, SOURCE, catalogue, script_texts

WEB = Path(__file__).parents[3] / "web" / "vidgen_web"
METHODS = [("portal/**.py", "python"), ("templates/**.html", "jinja2"), ("static/**.js", "javascript")]
KEYWORDS = {"_": None, "gettext": None, "mark": None, "say": None}
LANGUAGES = [language for language in NAMES if language != SOURCE]


def texts() -> dict[str, set[str]]:
    """Every text and the files that it stands in."""
    found: dict[str, set[str]] = {}
    for file, _, message, *_rest in extract_from_dir(WEB, METHODS, keywords=KEYWORDS):
        found.setdefault(str(message), set()).add(file)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    """Fails when a text is added and `make words` was not run, or its line left empty: tried."""
    translated = {str(message.id): message for message in catalogue(language) if message.id}
    assert set(texts()) - set(translated) == set()
    assert set(translated) - set(texts()) == set(), "texts that nothing says any more"
    for text, message in translated.items():
        assert message.string, text
        assert not message.fuzzy, text
        holes = re.findall(r"%\(\w+\)s", text)
        assert sorted(re.findall(r"%\(\w+\)s", str(message.string))) == sorted(holes), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_scripts_get_their_texts(language: str) -> None:
    told = json.loads(script_texts(language))
    assert set(told) == {text for text, files in texts().items() if any(file.endswith(".js") for file in files)}


def test_a_browser_and_a_choice_decide_the_language(client: FlaskClient) -> None:
    german = client.get("/", headers={"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}).get_data(as_text=True)
    assert '<html lang="de"' in german
    assert "Erzeugen" in german
    # what the page carries for its scripts is what a browser reads from the attribute
    carried = re.search("data-texts='([^']*)'", german)
    assert carried is not None
    assert json.loads(html.unescape(carried[1])) == json.loads(script_texts("de"))
    assert '<html lang="en"' in client.get("/", headers={"Accept-Language": "fr"}).get_data(as_text=True)
    assert send(client, "/language", language="de") == (303, "/")
    chosen = client.get("/", headers={"Accept-Language": "en"}).get_data(as_text=True)
    assert "Warteschlange" in chosen or "Schlange" in chosen
    send(client, "/language", language="xx")
    assert '<html lang="de"' in client.get("/").get_data(as_text=True)

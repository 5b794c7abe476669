"""The enhancer's endpoint: asked only where the operator named one, and never a reason to fail."""

import json
import socket
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.receiver import receiver
from vidgen.jobs.prompts import better_prompt
from vidgen.jobs.settings import Settings
from vidgen_models.registry import Manifest, ModelRegistry

PROMPT = "a ship"


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return ModelRegistry().get("sprites-64")


def settings(folder: Path, url: str | None = None, **more: object) -> Settings:
    return Settings(data_dir=folder, enhancer_url=url, **more)  # type: ignore[arg-type]


def says(text: object):
    """An endpoint that answers so."""

    def act(handler: BaseHTTPRequestHandler) -> None:
        body = text if isinstance(text, bytes) else json.dumps({"choices": [{"message": {"content": text}}]}).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return act


def test_the_endpoint_is_asked_and_held_to_the_models_words(tmp_path, manifest):
    """Fails when its answer is taken as it is: tried (the model does not know “ship” and “fluffy”)."""
    with receiver() as endpoint:
        endpoint.act = says('"a fluffy ship moves left\n on a blue background"')
        asked = settings(tmp_path, endpoint.url, enhancer_key="sk-1", enhancer_model="mine")
        made = better_prompt(asked, PROMPT, manifest)
    assert (made.prompt, made.by) == ("a fluffy sailboat moves left on a blue background", "endpoint")
    assert '"fluffy"' in (made.warning or "")
    (sent,) = endpoint.received
    assert (sent.path, sent.headers["authorization"]) == ("/hook/chat/completions", "Bearer sk-1")
    body = json.loads(sent.body)
    assert (body["model"], body["messages"][1]["content"]) == ("mine", PROMPT)
    assert "dragon" in body["messages"][0]["content"]
    assert "sk-1" not in repr(asked)


def test_nothing_is_sent_without_the_setting(tmp_path, manifest, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket, "create_connection", refuse)
    made = better_prompt(settings(tmp_path), PROMPT, manifest)
    assert (made.by, made.warning) == ("rules", None)
    made = better_prompt(settings(tmp_path), "xyzzy quux", manifest)
    assert (made.prompt, made.changes) == ("xyzzy quux", ())
    assert 'was never shown "xyzzy", "quux";' in (made.warning or "")


@pytest.mark.parametrize(
    "answer", ["", b"not JSON", b'{"choices": []}', 3, "x" * 3000, b'{"choices": [{"message": {"content": null}}]}']
)
def test_a_bad_answer_is_a_warning_and_rules_are_used(tmp_path, manifest, answer):
    """Fails when what the endpoint says is trusted to be a prompt: tried."""
    with receiver() as endpoint:
        endpoint.act = says(answer)
        made = better_prompt(settings(tmp_path, endpoint.url), PROMPT, manifest)
    assert made.by == "rules"
    assert made.prompt.startswith("a sailboat ")
    assert made.warning is not None
    assert made.warning.endswith("rules were used")
    assert endpoint.url not in made.warning


def test_an_endpoint_that_is_away_slow_or_refuses_is_a_warning(tmp_path, manifest):
    with receiver(500) as endpoint:
        made = better_prompt(settings(tmp_path, endpoint.url), PROMPT, manifest)
        assert made.warning == "the prompt endpoint answered 500; rules were used"
    made = better_prompt(settings(tmp_path, endpoint.url), PROMPT, manifest)
    assert "did not answer" in str(made.warning)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        made = better_prompt(settings(tmp_path, url, enhancer_seconds=0.3), PROMPT, manifest)
    assert "did not answer" in str(made.warning)
    assert made.by == "rules"

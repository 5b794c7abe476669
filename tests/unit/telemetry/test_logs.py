"""What a log line holds, in both forms, and what it never does."""

import ast
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from vidgen.telemetry import context
from vidgen.telemetry.context import IDS
from vidgen.telemetry.logs import FIELDS, JsonLines, ReadableLines, log_to_stderr, masked

ROOT = Path(__file__).parents[3]
SECRETS = {
    "webhook secret": "whsec_bm90LXJlYWwtYnV0LWxvbmctZW5vdWdo",
    "API key": "vg_ab12_" + "k" * 43,
    "user info of a URL": "user:p4ssw0rd-of-the-database",
    "signature": "c2lnbmVkLWJ5LXVz",
    "bearer token": "eyJhbGciOiJub25lIn0.e30.",
}
TEXT = (
    f"secret {SECRETS['webhook secret']}, key={SECRETS['API key']}, "
    f"postgresql://{SECRETS['user info of a URL']}@db/vidgen, "
    f"/a?expires=1&signature={SECRETS['signature']}&x=1, Authorization: Bearer {SECRETS['bearer token']}"
)


def record(**values: object) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "x", "levelname": "INFO", "msg": "claimed", **values})


@pytest.fixture(autouse=True)
def _no_ids_left_over():
    context.start_anew()
    yield
    context.start_anew()


def test_a_line_is_one_json_object_with_the_ids_of_the_thread_and_the_given_fields():
    with context.bound(request="req_1", trace="t", tenant="local", job="job_1", attempt=2):
        line = JsonLines().format(record(msg="two\nlines %s", args=("a",), status="ok"))
    assert "\n" not in line
    told = json.loads(line)
    assert told["event"] == "two\nlines a"
    assert (told["request"], told["trace"], told["tenant"], told["job"], told["attempt"]) == (
        "req_1", "t", "local", "job_1", 2,
    )  # fmt: skip
    assert told["status"] == "ok"
    assert "job" not in json.loads(JsonLines().format(record())), "the block is over"


def test_fields_given_at_the_call_win_over_those_of_the_thread():
    with context.bound(job="job_1"):
        assert json.loads(JsonLines().format(record(job="job_2")))["job"] == "job_2"


def test_only_fields_that_are_known_are_told():
    assert "headers" not in JsonLines().format(record(headers="Authorization"))


def test_every_field_that_the_code_gives_is_told():
    """Fails when FIELDS lacks one of them: it lacked `exit` and `complaint`."""
    files = (file for folder in ("vidgen", "web", "workers", "models") for file in (ROOT / folder).rglob("*.py"))
    given = {name for file in files for name in _given_fields(ast.parse(file.read_text()))}
    assert given >= {"seconds", "exit", "job", "delivery"}, "the search finds what is there"
    assert given <= {*IDS, *FIELDS}


def _given_fields(module: ast.Module) -> Iterator[object]:
    """The keys of every dict that is given as `extra=` to a log call, or put into a variable of that name."""
    for node in ast.walk(module):
        values: list[ast.expr] = []
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log."):
            values = [argument.value for argument in node.keywords if argument.arg == "extra"]
        elif isinstance(node, ast.Assign) and any("extra" in _names(target) for target in node.targets):
            values = [node.value]
        dicts = (part for value in values for part in ast.walk(value) if isinstance(part, ast.Dict))
        yield from (key.value for made in dicts for key in made.keys if isinstance(key, ast.Constant))


def _names(target: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(target) if isinstance(part, ast.Name)}


def test_a_new_thread_knows_the_ids_only_when_it_inherits_them():
    told: list[object] = []
    with context.bound(job="job_1"):
        for call in (lambda: told.append(context.ids().get("job")),) * 2:
            thread = threading.Thread(target=context.inherited(call) if not told else call)
            thread.start()
            thread.join()
    assert told == ["job_1", None]


@pytest.mark.parametrize("formatter", [JsonLines(), ReadableLines(colour=False)], ids=["json", "text"])
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_what_looks_like_a_secret_is_masked_in_messages_and_exceptions(formatter: logging.Formatter, secret: str):
    """Fails when `masked` returns its text unchanged: tried."""
    try:
        raise ValueError(TEXT)
    except ValueError:
        line = formatter.format(record(msg=TEXT, exc_info=sys.exc_info()))
    assert secret not in line
    assert "ValueError" in line


def test_the_rest_of_a_text_is_left_alone():
    plain = "job_abc ended at http://127.0.0.1:8765/docs, see user@example.org; bearer of news"
    assert masked(plain).startswith("job_abc ended at http://127.0.0.1:8765/docs, see user@example.org")


def test_text_is_for_terminals_and_json_for_everything_else(monkeypatch: pytest.MonkeyPatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    kept, level = logging.getLogger().handlers[:], logging.getLogger().level
    shown = {}
    try:
        for name, stream, form in (
            ("pipe", io.StringIO(), "auto"), ("terminal", Terminal(), "auto"), ("forced", Terminal(), "json"),
        ):  # fmt: skip
            monkeypatch.setattr(sys, "stderr", stream)
            log_to_stderr(form)  # type: ignore[arg-type]
            logging.getLogger("x").warning("claimed", extra={"job": "job_1"})
            shown[name] = stream.getvalue()
    finally:
        logging.getLogger().handlers[:] = kept
        logging.getLogger().setLevel(level)
    assert json.loads(shown["pipe"])["job"] == json.loads(shown["forced"])["job"] == "job_1"
    assert "claimed" in shown["terminal"]
    assert "job=job_1" in shown["terminal"]
    assert not shown["terminal"].startswith("{")

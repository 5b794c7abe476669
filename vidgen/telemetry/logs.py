"""Log lines on stderr: one JSON object a line, or readable text at a terminal.

A line is made of values given on purpose, never of URLs or headers. What looks like a secret is masked all the same,
because the text of a library's exception is not ours.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from vidgen.telemetry.context import IDS, ids

LogFormat = Literal["auto", "json", "text"]

FIELDS = (
    "worker", "method", "route", "status", "code", "seconds", "count", "delivery", "model", "prompt",
    "exit", "complaint",
)  # fmt: skip
SHOWN = (*IDS, *FIELDS)
# waitress tells of clients that left, with the path they made up
CHATTY = ("celery", "kombu", "amqp", "alembic", "waitress")
COLOURS: Mapping[str, str] = {"warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31m"}
PLAIN, DIM = "\x1b[0m", "\x1b[2m"

MASK = "***"
SECRETS = re.compile(
    r"whsec_[A-Za-z0-9+/=_-]{8,}"
    r"|\bvg_[A-Za-z0-9]+_[A-Za-z0-9_-]{20,}"
    r"|(?<=://)[^\s/@'\"]+(?=@)"
    r"|(?<=signature=)[A-Za-z0-9_.%=-]+"
    r"|(?i:(?<=bearer )[^\s'\"]+)"
)
# each secret has one of these before it or in it: looking for them takes a tenth of the expression's time
MARKS = ("whsec_", "vg_", "://", "signature=", "bearer ")


def masked(text: str) -> str:
    """The text without webhook secrets, API keys, user info of URLs, signatures and bearer tokens."""
    plain = text.lower()
    return SECRETS.sub(MASK, text) if any(mark in plain for mark in MARKS) else text


class JsonLines(logging.Formatter):
    """time, level, logger, event, the ids of the thread, then the fields given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= _fields(record)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return masked(json.dumps(line, default=str))


class ReadableLines(logging.Formatter):
    """The same for people: the clock, the event, then what belongs to it."""

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        clock = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        level = record.levelname.lower()
        fields = " ".join(f"{name}={value}" for name, value in _fields(record).items())
        paint = (lambda code, text: f"{code}{text}{PLAIN}") if self._colour else (lambda _code, text: text)
        event = paint(COLOURS.get(level, ""), f"{level:7} {record.getMessage()}")
        line = f"{paint(DIM, clock)} {event} {paint(DIM, fields)}".rstrip()
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return masked(line)


def log_to_stderr(form: LogFormat = "auto", level: int | str = logging.INFO) -> None:
    """Make the whole process log that way; called once, by the process's entry point. `auto`: text at a terminal."""
    terminal = sys.stderr.isatty()
    readable = form == "text" or (form == "auto" and terminal)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ReadableLines(colour=terminal) if readable else JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    told = record.__dict__  # asking the record for each of three dozen names would cost more than all else here
    given = {name: told[name] for name in SHOWN if name in told and told[name] is not None}
    here = {name: value for name, value in ids().items() if name in IDS and value is not None}
    return here | given

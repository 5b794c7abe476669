"""Logging: one JSON object a line on stderr, with the job's id where there is one. Values are given, never URLs."""

import json
import logging
import sys
from datetime import UTC, datetime

FIELDS = ("job", "attempt", "worker", "status", "code", "seconds", "count", "delivery")


class JsonLines(logging.Formatter):
    """time, level, logger, event, then the fields given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {field: value for field in FIELDS if (value := getattr(record, field, None)) is not None}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_to_stderr(level: int = logging.INFO) -> None:
    """Make the whole process log that way; called once, by the process's entry point."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("celery", "kombu", "amqp", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)

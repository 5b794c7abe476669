"""The JSON that a webhook carries: the job with links, under 20 kB, the same bytes on every retry."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

BODY_LIMIT = 20_000
SHORTENED = 500
# spec fields with a hundred prompts each at most
OVER_TIME = ("segments", "long")
# artifact id and the time its link should end → URL
Linker = Callable[[str, datetime], str]


def webhook_body(event_id: str, kind: str, timestamp: datetime, payload: dict[str, Any], link: Linker) -> bytes:
    """`{"type", "timestamp", "data"}`; every artifact of the job in `payload` gets a `url` that lasts as long as it.

    `video.…` events have the form that the `openai` SDK reads: only the id is told, the rest is one GET away.
    """
    if kind.startswith("video."):
        event = {"object": "event", "id": event_id, "created_at": int(timestamp.timestamp())}
        return _encode(kind, timestamp, {"id": payload["id"]}, event)
    data = dict(payload)
    if "artifacts" in data:
        expires = datetime.fromisoformat(data["expires_at"])
        data["artifacts"] = [item | {"url": link(item["id"], expires)} for item in data["artifacts"]]
    bodies = (_encode(kind, timestamp, told) for told in _ever_shorter(data))
    return next(body for body in bodies if len(body) < BODY_LIMIT)


def _ever_shorter(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What is told of a job, down to what surely fits; the whole job is one GET away."""
    yield data
    # only the prompts are long, one of each segment and take of a long clip among them
    spec = _shortened(data.get("spec", {}))
    yield data | {"spec": spec}
    yield data | {"spec": {name: value for name, value in spec.items() if name not in OVER_TIME}}
    yield {name: data[name] for name in ("id", "status") if name in data}


def _shortened(value: Any) -> Any:
    """A JSON value whose texts, however deep, have SHORTENED characters at most."""
    if isinstance(value, str):
        return value[:SHORTENED]
    if isinstance(value, Mapping):
        return {key: _shortened(item) for key, item in value.items()}
    return [_shortened(item) for item in value] if isinstance(value, list | tuple) else value


def _encode(
    kind: str, timestamp: datetime, data: dict[str, Any], more: Mapping[str, Any] = MappingProxyType({})
) -> bytes:
    message = {**more, "type": kind, "timestamp": timestamp.isoformat(), "data": data}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()

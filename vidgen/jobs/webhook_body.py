"""The JSON that a webhook carries: the job with links, under 20 kB, the same bytes on every retry."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

BODY_LIMIT = 20_000
SHORTENED = 500
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
    body = _encode(kind, timestamp, data)
    if len(body) < BODY_LIMIT:
        return body
    # only the prompts are long; the whole spec is one GET away
    spec = {key: value[:SHORTENED] if isinstance(value, str) else value for key, value in data["spec"].items()}
    return _encode(kind, timestamp, data | {"spec": spec})


def _encode(
    kind: str, timestamp: datetime, data: dict[str, Any], more: Mapping[str, Any] = MappingProxyType({})
) -> bytes:
    message = {**more, "type": kind, "timestamp": timestamp.isoformat(), "data": data}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()

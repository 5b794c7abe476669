"""Asks a language model for a better prompt: an OpenAI-compatible endpoint of the operator's choice, if there is one.

Nothing is sent anywhere unless VIDGEN_ENHANCER_URL is set. Knows no rules about prompts.
"""

import http.client
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from vidgen.errors import VidgenError
from vidgen.jobs.outbound.addresses import resolve
from vidgen.jobs.settings import Settings
from vidgen.jobs.webhooks.sender import SendFailed, connection_to
from vidgen.spec.long import PROMPT_LIMIT

SETTING = "VIDGEN_ENHANCER_URL"
ANSWER_LIMIT = 256 * 1024
MOST_WORDS_TOLD = 2000
TASK = (
    "You write prompts for a text-to-video model. Rewrite the user's prompt so that the model follows it well: one "
    "sentence that names the subject, how it moves, the background, and nothing the user did not mean. Answer with the "
    "prompt alone."
)


class EndpointFailed(VidgenError):
    """No prompt came back. The message names neither the address nor what was sent."""

    code = "enhancer_unavailable"
    retryable = True


def ask(settings: Settings, prompt: str, words: Mapping[str, Any]) -> str:
    """The endpoint's prompt. `words` are those that the model knows; empty: any. Raises EndpointFailed."""
    if settings.enhancer_url is None:
        raise EndpointFailed(f"{SETTING} is not set")
    told = f"{TASK} Use these words only: {json.dumps(words, ensure_ascii=False)}" if words else TASK
    messages = [{"role": "system", "content": told}, {"role": "user", "content": prompt}]
    body = {"model": settings.enhancer_model, "messages": messages, "temperature": 0.2, "max_tokens": 300}
    answer = _post(settings, settings.enhancer_url, json.dumps(body).encode())
    try:
        text = json.loads(answer)["choices"][0]["message"]["content"]
        found = " ".join(text.split()).strip(" \"'“”")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise EndpointFailed("the prompt endpoint's answer holds no prompt") from error
    if not found or len(found) > PROMPT_LIMIT or not found.isprintable():
        raise EndpointFailed(f"the prompt endpoint's answer is no prompt of 1 to {PROMPT_LIMIT} letters")
    return str(found)


def _post(settings: Settings, url: str, body: bytes) -> bytes:
    headers = {"Content-Type": "application/json", "User-Agent": "vidgen", "Connection": "close"}
    if settings.enhancer_key is not None:
        headers["Authorization"] = f"Bearer {settings.enhancer_key.get_secret_value()}"
    seconds, started = settings.enhancer_seconds, time.monotonic()
    try:
        # the operator named this host, wherever it is
        allowed: Sequence[str] = (urlsplit(url).hostname or "",)
        target = resolve(f"{url.rstrip('/')}/chat/completions", allowed, seconds, SETTING)
        left = seconds - (time.monotonic() - started)
        with connection_to(target, left, None, ANSWER_LIMIT) as (connection, late):
            connection.request("POST", target.path, body=body, headers=headers)
            response = connection.getresponse()
            answer = response.read(ANSWER_LIMIT)
            if late.is_set():
                raise EndpointFailed(f"the prompt endpoint did not answer within {seconds:g} s")
            if response.status != http.client.OK:
                raise EndpointFailed(f"the prompt endpoint answered {response.status}")
            return answer
    except EndpointFailed:
        raise
    except (SendFailed, VidgenError, OSError, http.client.HTTPException, ValueError) as error:
        raise EndpointFailed(f"the prompt endpoint did not answer ({type(error).__name__})") from error

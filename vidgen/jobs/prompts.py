"""A better prompt: from the operator's endpoint where there is one and it answers, else by rules."""

import logging
from dataclasses import dataclass
from typing import Literal

from vidgen.jobs.outbound.prompt_endpoint import EndpointFailed, ask
from vidgen.jobs.settings import Settings
from vidgen_models.enhancer import Enhanced, enhanced, in_known_words
from vidgen_models.registry import Manifest
from vidgen_models.words import known_words, told

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BetterPrompt:
    """`warning` says which words the model does not know, and why an endpoint was not used although there is one."""

    prompt: str
    by: Literal["rules", "endpoint"]
    changes: tuple[str, ...]
    warning: str | None = None


def better_prompt(settings: Settings, prompt: str, manifest: Manifest) -> BetterPrompt:
    """Never fails: whatever goes wrong at the endpoint is a warning, and so are words that the model does not know."""
    failed = None
    if settings.enhancer_url is not None and prompt.strip():
        try:
            found = in_known_words(ask(settings, prompt, manifest.vocabulary()), manifest)
            return BetterPrompt(found.prompt, "endpoint", found.changes, _remaining(found, manifest))
        except EndpointFailed as error:
            failed = f"{error.message}; rules were used"
            log.warning("prompt endpoint failed", extra={"complaint": error.message})
    made = enhanced(prompt, manifest)
    warning = "; ".join(part for part in (_remaining(made, manifest), failed) if part)
    return BetterPrompt(made.prompt, "rules", made.changes, warning or None)


def _remaining(made: Enhanced, manifest: Manifest) -> str | None:
    """What stays in the prompt although it says nothing to the model."""
    return told(made.unknown, known_words(manifest.path) or (), manifest) if made.unknown else None

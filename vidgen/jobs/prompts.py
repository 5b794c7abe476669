"""A better prompt: from the operator's endpoint where there is one and it answers, else by rules."""

import logging
from dataclasses import dataclass
from typing import Literal

from vidgen.jobs.outbound.prompt_endpoint import EndpointFailed, ask
from vidgen.jobs.settings import Settings
from vidgen_models.enhancer import enhanced, in_known_words
from vidgen_models.registry import Manifest

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BetterPrompt:
    """`warning` says why the endpoint was not used although there is one."""

    prompt: str
    by: Literal["rules", "endpoint"]
    changes: tuple[str, ...]
    warning: str | None = None


def better_prompt(settings: Settings, prompt: str, manifest: Manifest) -> BetterPrompt:
    """Never fails: whatever goes wrong at the endpoint is a warning. Of a closed vocabulary no word is left unknown."""
    warning = None
    if settings.enhancer_url is not None and prompt.strip():
        try:
            found = in_known_words(ask(settings, prompt, manifest.vocabulary()), manifest)
            return BetterPrompt(found.prompt, "endpoint", found.changes)
        except EndpointFailed as error:
            warning = f"{error.message}; rules were used"
            log.warning("prompt endpoint failed", extra={"complaint": error.message})
    made = enhanced(prompt, manifest)
    return BetterPrompt(made.prompt, "rules", made.changes, warning)

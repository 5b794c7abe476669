"""Requests that wait for a host outside, name servers among them: few at once, so that slow hosts stop nobody else."""

from collections.abc import Iterator
from contextlib import contextmanager

from vidgen.jobs.prompts import BetterPrompt, better_prompt
from vidgen_models.registry import Manifest
from vidgen_web.caller import caller
from vidgen_web.problems import ProblemError
from vidgen_web.services import Services

# most calls take milliseconds: of many that come together each gets its turn
PATIENCE_SECONDS = 0.25
RETRY_AFTER = {"Retry-After": "5"}


@contextmanager
def call_outside(services: Services) -> Iterator[None]:
    """A place among those who wait for hosts outside. Raises ProblemError too_many_calls."""
    tenant = caller().tenant
    if not services.calls.take(tenant, PATIENCE_SECONDS):
        message = "too many requests wait for other hosts; try again"
        raise ProblemError("too_many_calls", message, headers=RETRY_AFTER)
    try:
        yield
    finally:
        services.calls.give_back(tenant)


def enhanced(services: Services, prompt: str, manifest: Manifest) -> BetterPrompt:
    """`better_prompt`, where the operator's endpoint is a host outside. Raises ProblemError too_many_calls."""
    if services.settings.enhancer_url is None:
        return better_prompt(services.settings, prompt, manifest)
    with call_outside(services):
        return better_prompt(services.settings, prompt, manifest)

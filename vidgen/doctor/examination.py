"""All checks in order. One that breaks is a finding itself and stops none of the others."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from vidgen.doctor.data_folder import check_data_folder
from vidgen.doctor.database import check_database
from vidgen.doctor.engine import check_engine
from vidgen.doctor.finding import Finding, Verdict, ok, problem, warning
from vidgen.doctor.models import check_models
from vidgen.doctor.network import check_access, check_broker, check_port, check_public_url, check_webhooks
from vidgen.doctor.packages import check_packages, check_python
from vidgen.errors import VidgenError
from vidgen.jobs.settings import load_settings, unknown_variables

Check = Callable[[], Iterable[Finding]]
OF_SETTINGS = (
    check_data_folder,
    check_database,
    check_broker,
    check_port,
    check_access,
    check_public_url,
    check_webhooks,
    check_models,
)
ENGINE_SUBJECT = "engine"


def examine(*, web_only: bool = False) -> Iterator[Finding]:
    """Everything, as it is found. `web_only`: this installation runs `vidgen web` and needs no engine."""
    yield from _guarded("Python", check_python)
    packages = list(_guarded("packages", check_packages))
    engine_is_there = not any(finding.subject == ENGINE_SUBJECT for finding in packages)
    yield from (finding for finding in packages if not (web_only and finding.subject == ENGINE_SUBJECT))
    if engine_is_there and not web_only:
        yield from _guarded("torch", check_engine)
    try:
        settings = load_settings()
    except VidgenError as error:
        yield problem("settings", error.message, "correct the variable; docs/operations.md lists them all")
        return
    yield _unknown_variables()
    for check in OF_SETTINGS:
        yield from _guarded(check.__name__.removeprefix("check_"), partial(check, settings))


def is_healthy(findings: Iterable[Finding]) -> bool:
    return all(finding.verdict is not Verdict.PROBLEM for finding in findings)


def _guarded(subject: str, check: Check) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:
        yield problem(subject, f"this check broke ({type(error).__name__})", "please report it with your settings")


def _unknown_variables() -> Finding:
    unknown = unknown_variables()
    if unknown:
        told = ", ".join(f"{name} (nearest: {nearest})" if nearest else name for name, nearest in unknown.items())
        return warning("settings", f"not known: {told}", "look for a typing error in the name")
    return ok("settings", "every VIDGEN_… variable is known")

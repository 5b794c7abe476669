"""One thing that the doctor looked at."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """`warning`: it works, but not as well or as safely as it should; `problem`: something will fail."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """`remedy` says what to do; it is empty only when all is well."""

    subject: str
    verdict: Verdict
    detail: str
    remedy: str = ""


def ok(subject: str, detail: str) -> Finding:
    return Finding(subject, Verdict.OK, detail)


def warning(subject: str, detail: str, remedy: str) -> Finding:
    return Finding(subject, Verdict.WARNING, detail, remedy)


def problem(subject: str, detail: str, remedy: str) -> Finding:
    return Finding(subject, Verdict.PROBLEM, detail, remedy)

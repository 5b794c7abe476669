"""How well the chunks of a finished clip join, out of the report that its job left beside it."""

import json
import logging
from dataclasses import dataclass
from typing import Any

from vidgen.jobs.views import Job
from vidgen_web.portal.artifacts import artifact_of
from vidgen_web.services import Services

log = logging.getLogger(__name__)

LARGEST = 4 << 20


@dataclass(frozen=True, slots=True)
class Seam:
    """One joint: the frames (from 0) of its steps, its verdict (pass, fail, cut), and its score: above 1 it shows."""

    first: int
    last: int
    verdict: str
    score: float


def seams_of(found: Services, job: Job) -> list[Seam]:
    """The clip's joints; none where there is no report, or where it cannot be read."""
    report = artifact_of(job, "seams")
    key = found.jobs.artifact_key(report.id) if report else None
    if report is None or key is None or report.size > LARGEST:
        return []
    try:
        with found.store.open(key) as file:
            return [_seam(joint) for joint in json.load(file)["joints"]]
    except (OSError, ValueError, KeyError, TypeError):
        log.warning("a seam report cannot be read", extra={"job": job.id})
        return []


def seam_before(seams: list[Seam], first: int, last: int) -> Seam | None:
    """The joint at which the chunk of these frames (from 0) begins."""
    return next((seam for seam in seams if first <= seam.last <= last and seam.first <= first + 1), None)


def _seam(joint: dict[str, Any]) -> Seam:
    first, last = joint["frames"]
    return Seam(int(first), int(last), str(joint["verdict"]), float(joint["score"]))

"""/jobs/{id}/conditioning: what a conditioned clip was asked for, beside what was measured on its frames."""

import json
import logging
from typing import Any

from flask import Blueprint, Response, jsonify
from pydantic import Field

from vidgen.jobs.views import Job
from vidgen.spec.base import SpecModel
from vidgen_web.api.jobs import no_job
from vidgen_web.operations import operation
from vidgen_web.problems import ProblemError
from vidgen_web.services import Services, services

blueprint = Blueprint("conditioning", __name__, url_prefix="/jobs")
log = logging.getLogger(__name__)

LARGEST = 4 << 20


class ConditioningReport(SpecModel):
    """One entry an item, by the kind of item; kinds that were not asked for are left out."""

    camera: list[dict[str, Any]] = Field(
        default=[],
        description="`axes`: by axis `requested` and `measured`, and by step `requested_over_time` and `over_time`, in "
        "the spec's units; null, with a `why`, where the ground has no texture to measure by. `fit`: the share of what "
        "has texture that moves as measured.",
    )
    trajectories: list[dict[str, Any]] = Field(
        default=[],
        description="`requested` and `measured` places by frame; `mean_error`, `largest_error`: shares of the width. "
        "Null, with a `why`, over a ground with a pattern.",
    )
    controls: list[dict[str, Any]] = Field(
        default=[],
        description="`kind`, `weight`, `start`, `end`, `requested` (1; null where it has no weight), `measured`: how "
        "well the control drawn from the result agrees; 1 is wholly; null, with a `why`, where it cannot be drawn. "
        "With a small weight or a short share of the steps less is to be expected.",
    )
    brushes: list[dict[str, Any]] = Field(default=[], description="`measured`: agreement of the motion, -1 to 1.")
    motion: list[dict[str, Any]] = Field(
        default=[],
        description="Of a strength: `requested` and its `unit`, a factor; `widths_a_second`, the mean speed of what "
        "moves. `measured` is null, with a `why`: one clip does not tell how fast it would be at 1.",
    )
    mask: list[dict[str, Any]] = Field(
        default=[],
        description="`outside_psnr` (dB; `requested`, 99: equal), `inside_change` (grey levels), `share` made anew.",
    )
    ends: list[dict[str, Any]] = Field(
        default=[],
        description="`end`, `frames`, `psnr` to the frames given, in dB (`requested`, 99: equal), and `elsewhere`, the "
        "mean of the other frames to them; null, with a `why`, where there are none.",
    )
    pictures: list[dict[str, Any]] = Field(
        default=[],
        description="Of a start or last picture and keyframes: `picture`, the `frame` and `seconds` asked for, `psnr` "
        "of that frame to the picture (`requested`, 99: equal), and `elsewhere`, the mean of the other frames, in dB.",
    )
    regions: list[dict[str, Any]] = Field(
        default=[],
        description="`region`, `prompt`, `weight`, `share` of the picture; `requested`: 1, null where it has no "
        "weight. `measured`: by how much its prompt explains what is there better than the clip's own prompt does, as "
        "the model itself says it (1 wholly, 0 neither does better, -1 the clip's own; null, with a `why`, where the "
        "model was not asked); `elsewhere`: the same of all other places, null, with a `why`, where there are none; "
        "`difference` (CIE76) of its mean colour from the rest's.",
    )
    references: list[dict[str, Any]] = Field(
        default=[],
        description="`kind`, `measured`: how far the clip has the picture's colours; 1 is wholly. `other_colours`: the "
        "mean of that over the same picture in five other colours; null, with a `why`, of a picture without colours. "
        "It is no control: what the clip has without the reference only a clip without it tells.",
    )


@blueprint.get("/<job_id>/conditioning")
@operation(
    "Jobs",
    "What a conditioned clip does, beside what it was asked for",
    description="Of finished jobs with conditioning items. The same lies in the receipt and as an artifact.",
    scope="jobs:read",
    answers={200: ConditioningReport},
    problems=("not_found",),
)
def show(job_id: str) -> Response:
    job = services().jobs.get(job_id)
    if job is None:
        raise no_job(job_id)
    report = conditioning_of(services(), job)
    if report is None:
        raise ProblemError("not_found", f"{job_id} has no report of conditioning items")
    return jsonify(report)


def conditioning_of(found: Services, job: Job) -> dict[str, Any] | None:
    """The report that the job left beside its clip; None where there is none, or it cannot be read."""
    artifact = next((it for it in job.artifacts if it.kind == "conditioning"), None)
    key = found.jobs.artifact_key(artifact.id) if artifact else None
    if artifact is None or key is None or artifact.size > LARGEST:
        return None
    try:
        with found.store.open(key) as file:
            return ConditioningReport.model_validate(json.load(file)).model_dump(mode="json", exclude_defaults=True)
    except (OSError, ValueError):
        log.warning("a conditioning report cannot be read", extra={"job": job.id})
        return None

"""A job's settings and story as names and values, for the viewer's Info."""

from vidgen.jobs.views import Job
from vidgen_web.portal import words
from vidgen_web.portal.languages import gettext as _


def facts_of(job: Job) -> list[tuple[str, str]]:
    """Names and values in the reader's language; what does not apply is left out."""
    spec = job.spec
    strength = getattr(spec, "strength", None)
    took = (job.finished_at - job.started_at).total_seconds() if job.finished_at and job.started_at else None
    facts = [
        (_("Made from"), _made_from(job)),
        (_("Negative prompt"), spec.negative_prompt),
        (_("Model"), _("%(model)s, revision %(revision)s", model=job.model, revision=job.model_revision)),
        (_("Length"), words.clip_length(spec.num_frames or 0, spec.fps or 1)),
        (_("Parts"), _parts(job)),
        (_("Size"), f"{spec.width} × {spec.height} px"),
        (_("Steps"), str(spec.num_inference_steps or "")),
        (_("Guidance"), words.decimal(spec.guidance_scale, 3) if spec.guidance_scale is not None else ""),
        (_("Strength"), words.decimal(strength, 3) if strength is not None else ""),
        (_("Seed"), "" if spec.seed is None else str(spec.seed)),
        (_("Priority"), str(job.priority) if job.priority != 5 else ""),
        (_("Took"), words.duration(took)),
        (_("Attempts"), str(job.attempts) if job.attempts > 1 else ""),
        (_("Created"), words.moment(job.created_at)),
        (_("Job"), job.id),
    ]
    return [(name, value) for name, value in facts if value]


def _made_from(job: Job) -> str:
    media = getattr(job.spec, "image", None) or getattr(job.spec, "video", None)
    return _(words.TASKS[job.task]) + (f" · {media.key}" if media else "")


def _parts(job: Job) -> str:
    fps = job.spec.fps or 1
    told = [f"{words.decimal((it.frames or 0) / fps)} s {it.prompt}".strip() for it in job.spec.segments]
    return "; ".join(told)

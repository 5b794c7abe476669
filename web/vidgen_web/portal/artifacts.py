"""Finds a job's files by what they are."""

from vidgen.jobs.views import Artifact, Job


def artifact_of(job: Job, kind: str) -> Artifact | None:
    """The job's file of this kind, if it has one."""
    return next((artifact for artifact in job.artifacts if artifact.kind == kind), None)

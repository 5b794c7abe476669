"""A job that is to be queued: its resolved spec and its terms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vidgen.jobs.line.waiting import ANY_TIME, StartBy
from vidgen.jobs.spec_hash import spec_hash
from vidgen.jobs.views import Dialect
from vidgen.spec import NORMAL_PRIORITY, JobSpec


@dataclass(frozen=True, slots=True)
class NewJob:
    """Everything that is stored of a job when it is queued; `body_hash` tells its request from others of its key."""

    spec: JobSpec
    model_revision: str
    callback_url: str | None = None
    dialect: Dialect = "job"
    source_job_id: str | None = None
    priority: int = NORMAL_PRIORITY
    start_by: StartBy = ANY_TIME
    memory_need: Mapping[str, Any] | None = None
    idempotency_key: str | None = None
    body_hash: str | None = None
    traceparent: str | None = None

    def stored(self) -> dict[str, Any]:
        """The columns that it fills by itself. A long spec takes a while: made before others are kept waiting."""
        fields = self.spec.model_dump(mode="json")
        return {
            "priority": self.priority,
            "memory_need": None if self.memory_need is None else dict(self.memory_need),
            "task": self.spec.task,
            "model": self.spec.model,
            "model_revision": self.model_revision,
            "spec": fields,
            "spec_hash": spec_hash(fields),
            "callback_url": self.callback_url,
            "traceparent": self.traceparent,
            "dialect": self.dialect,
            "source_job_id": self.source_job_id,
        }

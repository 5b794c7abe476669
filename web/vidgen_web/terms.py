"""What a client may say of a job beside its spec: how urgent it is, and by when it must have started."""

from typing import Annotated, Any

from pydantic import AwareDatetime, Field, model_validator

from vidgen.jobs.line.waiting import LONGEST_WAIT_SECONDS, StartBy
from vidgen.spec import HIGHEST_PRIORITY, LOWEST_PRIORITY, NORMAL_PRIORITY
from vidgen.spec.base import SpecModel
from vidgen_web.requests import checked

Priority = Annotated[
    int,
    Field(
        ge=LOWEST_PRIORITY,
        le=HIGHEST_PRIORITY,
        description=f"{LOWEST_PRIORITY} to {HIGHEST_PRIORITY}; {HIGHEST_PRIORITY} runs first, {NORMAL_PRIORITY} is "
        "usual.",
    ),
]
Wait = Annotated[
    float,
    Field(gt=0, le=LONGEST_WAIT_SECONDS, description="Not started within so many seconds, the job fails."),
]
Moment = Annotated[AwareDatetime, Field(description="Not started by this moment, the job fails.")]


class WithStart(SpecModel):
    """One of two ways to say by when a job must have started."""

    start_within_seconds: Wait | None = None
    start_by: Moment | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "WithStart":
        if self.start_within_seconds is not None and self.start_by is not None:
            raise ValueError("give start_within_seconds or start_by, not both")
        return self

    @property
    def start(self) -> StartBy:
        return StartBy(self.start_within_seconds, self.start_by)


class Terms(WithStart):
    """The terms of a new job."""

    priority: Priority = NORMAL_PRIORITY


class JobChange(WithStart):
    """What to change of a queued job; what is left out stays. `start_by: null` takes the deadline away."""

    spec: dict[str, Any] = Field(
        default_factory=dict, description="Fields of the spec to change; null takes the model's default."
    )
    priority: Priority | None = None

    @property
    def changed_start(self) -> StartBy | None:
        """None when the request says nothing of it."""
        return self.start if {"start_within_seconds", "start_by"} & self.model_fields_set else None


class Move(SpecModel):
    """Where to: before another queued job, or to the front when nothing is said."""

    before: str | None = Field(default=None, description="A queued job of yours; its priority is taken on.")


def take_terms(fields: dict[str, Any]) -> Terms:
    """The terms among a request's fields, which are left without them. Raises ProblemError invalid_request."""
    return checked(Terms, {name: fields.pop(name) for name in Terms.model_fields if name in fields})

"""What a route promises, written beside it; the OpenAPI document is made of these promises."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from vidgen_web.access import needs

View = TypeVar("View", bound=Callable[..., Any])

ATTRIBUTE = "__operation__"


@dataclass(frozen=True, slots=True)
class Media:
    """An answer that is not JSON: its content type and what it holds."""

    content_type: str
    description: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter or a header."""

    name: str
    description: str
    place: str = "query"
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class ErrorForm:
    """How a route tells its failures: content type, pydantic type of the body, and the HTTP status of a code."""

    content_type: str
    body: Any
    status_of: Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `answers` maps a status to a pydantic type, a Media or None (no body).

    `scope` is what the caller's key must allow (access.py). `body` is a pydantic type sent as JSON; `form` a ready
    multipart schema; `problems` the codes it may answer with, in the form of `errors` where that is not the API's own.
    """

    tag: str
    summary: str
    scope: str
    answers: Mapping[int, Any]
    description: str = ""
    body: Any = None
    form: Mapping[str, Any] | None = None
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[str, ...] = ()
    errors: ErrorForm | None = None


def operation(
    tag: str,
    summary: str,
    *,
    scope: str,
    answers: Mapping[int, Any],
    description: str = "",
    body: Any = None,
    form: Mapping[str, Any] | None = None,
    parameters: tuple[Parameter, ...] = (),
    problems: tuple[str, ...] = (),
    errors: ErrorForm | None = None,
) -> Callable[[View], View]:
    """Attach an Operation to a view function."""
    promise = Operation(tag, summary, scope, answers, description, body, form, parameters, problems, errors)

    def attach(view: View) -> View:
        setattr(view, ATTRIBUTE, promise)
        return needs(scope)(view)

    return attach


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """The Operation of a view function, if it has one."""
    found = getattr(view, ATTRIBUTE, None)
    return found if isinstance(found, Operation) else None

"""The ids that belong to what this thread is doing: request, trace, tenant, job, attempt. Log lines carry them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from types import MappingProxyType

IDS = ("request", "trace", "tenant", "job", "attempt")
NONE: Mapping[str, object] = MappingProxyType({})
_ids: ContextVar[Mapping[str, object]] = ContextVar("vidgen_ids", default=NONE)


def ids() -> Mapping[str, object]:
    """Those of the current thread."""
    return _ids.get()


def add(**more: object) -> None:
    """Say more of what this thread is doing, until the enclosing `bound` ends or `start_anew` is called."""
    _ids.set({**_ids.get(), **more})


def start_anew(**only: object) -> None:
    """Forget what the thread did before: pools lend one thread to many requests."""
    _ids.set(only)


@contextmanager
def bound(**more: object) -> Iterator[None]:
    """`add` for the length of a block."""
    token = _ids.set({**_ids.get(), **more})
    try:
        yield
    finally:
        _ids.reset(token)


def inherited(call: Callable[[], None]) -> Callable[[], None]:
    """`call` with the ids of this moment, for the thread that will run it: threads begin without any."""
    context = copy_context()
    return lambda: context.run(call)

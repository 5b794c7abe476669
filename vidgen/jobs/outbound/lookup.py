"""Host names to addresses, within a time. Knows nothing of what may be done with them."""

import socket
from queue import Empty, SimpleQueue
from threading import Thread

Answer = list[str] | OSError | UnicodeError


def addresses_of(host: str, port: int, seconds: float) -> list[str]:
    """Every address of `host`, asked for once. Raises OSError (TimeoutError when late) or UnicodeError."""
    answers: SimpleQueue[Answer] = SimpleQueue()
    # the platform's lookup cannot be told to hurry; a late one goes on alone until the resolver gives up
    Thread(target=_ask, args=(host, port, answers), name="lookup", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty as error:
        raise TimeoutError(f"no answer within {seconds:g} s") from error
    if isinstance(answer, Exception):
        raise answer
    return answer


def _ask(host: str, port: int, answers: "SimpleQueue[Answer]") -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        answers.put([str(answer[4][0]) for answer in found])
    except (OSError, UnicodeError) as error:
        answers.put(error)

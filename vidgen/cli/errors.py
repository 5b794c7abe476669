"""What every command does with a failure that was expected."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from pydantic import ValidationError

from vidgen.errors import VidgenError

Command = Callable[..., Any]


def errors_as_text(command: Command) -> Command:
    """An expected failure is one readable line and exit code 1, not a traceback; wrong usage is exit code 2."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except VidgenError as error:
            raise click.ClickException(f"{error.message} [{error.code}]") from error
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
            raise click.ClickException(f"{wrong} [invalid_request]") from error

    return wrapped

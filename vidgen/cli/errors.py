"""What every command does with a failure that was expected."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from pydantic import ValidationError

from vidgen.errors import VidgenError
from vidgen.spec.wrong_fields import WrongField, wrong_fields

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
            wrong = "; ".join(f"{_as_written(it)}: {it.message}" for it in wrong_fields(error))
            raise click.ClickException(f"{wrong} [invalid_request]") from error

    return wrapped


def _as_written(wrong: WrongField) -> str:
    """The option that a field was given by, where there is one: its own, or that of its step."""
    context = click.get_current_context(silent=True)
    params = [] if context is None else context.command.params
    options = {str(it.name): it.opts[0] for it in params if isinstance(it, click.Option)}
    names = (wrong.field, re.sub(r"^post\.\d+\.", "", wrong.field), wrong.step.replace("-", "_"))
    return next((options[name] for name in names if name in options), wrong.field)

"""Every error vidgen raises on purpose. It knows codes and messages, not HTTP and not the database."""


class VidgenError(Exception):
    """An expected failure with a stable `code`, fit to be shown to the person who asked.

    `retryable` says whether the same request may succeed later without being changed.
    """

    code = "internal_error"
    retryable = False

    def __init__(self, message: str, *, code: str | None = None, retryable: bool | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        if retryable is not None:
            self.retryable = retryable


class SpecError(VidgenError):
    """A request breaks a rule. `field` names the offending field, the message its rule and the nearest valid value.

    `nearest` holds the one or two valid values that lie nearest, where there are such.
    """

    code = "invalid_spec"

    def __init__(
        self, message: str, *, field: str, nearest: tuple[int | float | str, ...] = (), code: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.field = field
        self.nearest = nearest


class ModelError(VidgenError):
    """A model is unknown, incomplete, unsafe or cannot do what was asked."""

    code = "model_unavailable"


class MediaError(VidgenError):
    """An input file is not a picture or clip that vidgen reads, or breaks a limit."""

    code = "invalid_media"


class OutOfMemory(VidgenError):
    """The device ran out of memory; a smaller clip or a lower memory tier may fit."""

    code = "out_of_memory"
    retryable = True


class Cancelled(VidgenError):
    """The work was cancelled at a checkpoint; nothing was published."""

    code = "cancelled"

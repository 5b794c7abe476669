"""Request bodies that exist only on the wire: specs as clients send them, and forms."""

from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from vidgen.spec import ExtendVideo, ImageToVideo, ProcessVideo, TextToVideo, TrainLora, VideoToVideo
from vidgen_web.problems import FieldError, ProblemError
from vidgen_web.terms import Terms

CallbackUrl = Annotated[
    str,
    Field(
        max_length=2000,
        pattern=r"^https?://",
        description="Where a signed webhook goes when this job ends. Public addresses only, unless allowed otherwise.",
    ),
]
CALLBACK: TypeAdapter[str] = TypeAdapter(CallbackUrl)


class WithTerms(Terms):
    callback_url: CallbackUrl | None = None


class TextToVideoRequest(TextToVideo, WithTerms):
    """A clip from a prompt."""


class ImageToVideoRequest(ImageToVideo, WithTerms):
    """A clip from a prompt and its first picture."""


class VideoToVideoRequest(VideoToVideo, WithTerms):
    """A restyle of a clip."""


class ExtendVideoRequest(ExtendVideo, WithTerms):
    """What comes after a clip's frame, or what came before it."""


class ProcessVideoRequest(ProcessVideo, WithTerms):
    """Steps over a clip, or another format for it."""


class TrainLoraRequest(TrainLora, WithTerms):
    """A LoRA learned from clips."""


JobRequest = Annotated[
    TextToVideoRequest
    | ImageToVideoRequest
    | VideoToVideoRequest
    | ExtendVideoRequest
    | ProcessVideoRequest
    | TrainLoraRequest,
    Field(description="A job spec; only `task` and, where the task needs one, the media are required."),
]

FILE: dict[str, Any] = {"type": "string", "format": "binary"}
JOB_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {"type": "string", "description": "A JSON object of spec fields; else give them as plain fields."},
        "image": {**FILE, "description": "The first picture (PNG, JPEG, WebP, GIF)."},
        "video": {**FILE, "description": "The clip to restyle (MP4, WebM, MOV, MKV, AVI, GIF)."},
    },
    "additionalProperties": {"type": "string"},
}
UPLOAD_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {"file": {**FILE, "description": "A picture or a clip."}},
    "required": ["file"],
    "additionalProperties": False,
}


def checked_callback(value: Any) -> str | None:
    """`value` as a callback URL. Raises ProblemError invalid_request."""
    if value is None:
        return None
    try:
        return CALLBACK.validate_python(value)
    except ValidationError as error:
        message = "give a URL that starts with https:// or http://, of 2000 characters at most"
        problem = FieldError(field="callback_url", message=message)
        raise ProblemError("invalid_request", f"callback_url: {message}", errors=(problem,)) from error

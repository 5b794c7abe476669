"""What supervisor and runner say to each other: one JSON object a line, on the runner's stdin and stdout."""

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar

from vidgen.spec import MemoryTier, Progress, Stage


@dataclass(frozen=True, slots=True)
class Run:
    """Supervisor → runner: do this job. `spec` is the resolved spec as JSON, `media` maps MediaRef.key to a path.

    `ids` are what the runner's log lines carry: job, attempt, tenant, trace. `chunk_dir` is where a clip's parts
    are kept from attempt to attempt, `lender` that folder of the job which this one is made from.
    """

    kind: ClassVar[str] = "run"
    job_id: str
    spec: Mapping[str, Any]
    media: Mapping[str, str]
    out_dir: str
    ids: Mapping[str, Any] = field(default_factory=dict)
    chunk_dir: str | None = None
    memory_tier: int = MemoryTier.FULL
    lender: str | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Supervisor → runner: stop at the next checkpoint."""

    kind: ClassVar[str] = "cancel"


@dataclass(frozen=True, slots=True)
class EndEarly:
    """Supervisor → runner: end the clip after the chunk in hand."""

    kind: ClassVar[str] = "end_early"


@dataclass(frozen=True, slots=True)
class ChunkDone:
    """Runner → supervisor: a chunk lies safely in the chunk folder, under the name `key`."""

    kind: ClassVar[str] = "chunk"
    n: int
    key: str
    sha256: str
    seed: int
    size: int = 0
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Repairing:
    """Runner → supervisor: a joint shows, or something was tried about it."""

    kind: ClassVar[str] = "repair"
    repair: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reported:
    """Runner → supervisor: progress. `preview` is a JPEG in base64; `at` is when, in seconds since 1970."""

    kind: ClassVar[str] = "progress"
    stage: str
    fraction: float
    step: int = 0
    total_steps: int = 0
    preview: str | None = None
    at: float = 0.0
    chunk: int = 0
    total_chunks: int = 0

    @classmethod
    def of(cls, progress: Progress) -> "Reported":
        preview = None if progress.preview is None else base64.b64encode(progress.preview).decode()
        return cls(
            progress.stage.value,
            float(progress.fraction),
            progress.step,
            progress.total_steps,
            preview,
            time.time(),
            progress.chunk,
            progress.total_chunks,
        )

    def progress(self) -> Progress:
        preview = None if self.preview is None else base64.b64decode(self.preview)
        steps = (self.step, self.total_steps)
        return Progress(Stage(self.stage), self.fraction, *steps, preview, self.chunk, self.total_chunks)


@dataclass(frozen=True, slots=True)
class Finished:
    """Runner → supervisor: done; `files` are RenderedFiles with their paths as text."""

    kind: ClassVar[str] = "finished"
    files: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """Runner → supervisor: it went wrong in a way that a person may be told."""

    kind: ClassVar[str] = "failed"
    code: str
    message: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class WasCancelled:
    """Runner → supervisor: it stopped at a checkpoint."""

    kind: ClassVar[str] = "cancelled"


@dataclass(frozen=True, slots=True)
class Exited:
    """Never sent: what the supervisor reads when the runner's end of the pipe closed."""

    kind: ClassVar[str] = "exited"


Message = Run | Cancel | EndEarly | ChunkDone | Repairing | Reported | Finished | Failed | WasCancelled | Exited
KINDS: dict[str, type[Message]] = {
    message.kind: message
    for message in (Run, Cancel, EndEarly, ChunkDone, Repairing, Reported, Finished, Failed, WasCancelled, Exited)
}


def encode(message: Message) -> bytes:
    """The message as one line."""
    return json.dumps({"kind": message.kind, **asdict(message)}, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The message of one line. Raises ValueError when it is none."""
    try:
        values = json.loads(line)
        message = KINDS[values.pop("kind")]
        return message(**{it.name: values[it.name] for it in fields(message) if it.name in values})
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError("not a message of this protocol") from error

"""Moves a finished attempt's files into the store. They stay invisible until the terminal transaction names them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vidgen.errors import VidgenError
from vidgen.jobs.files.storage import LocalStore
from vidgen.jobs.views import Claim, FinishedFile

KINDS = ("video", "poster", "sprite_sheet", "receipt", "seams", "seam_plot", "conditioning", "lora")


def publish(store: LocalStore, claim: Claim, files: Sequence[Mapping[str, Any]]) -> tuple[FinishedFile, ...]:
    """Hash, sync and rename every file. Raises VidgenError storage_failed, retryable, e.g. when the disk is full."""
    scratch = store.scratch_path(claim.job_id, claim.attempt).resolve()
    try:
        return tuple(_publish_one(store, claim, scratch, file) for file in files)
    except OSError as error:
        raise _storage_failed(error) from error


def make_scratch(store: LocalStore, claim: Claim) -> Path:
    """The empty folder that an attempt's runner writes to. Raises VidgenError storage_failed."""
    folder = store.scratch_path(claim.job_id, claim.attempt)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _storage_failed(error) from error
    return folder


def _storage_failed(error: OSError) -> VidgenError:
    # strerror says "No space left on device" and names no path
    reason = error.strerror or type(error).__name__
    return VidgenError(f"the result could not be stored ({reason})", code="storage_failed", retryable=True)


def _publish_one(store: LocalStore, claim: Claim, scratch: Path, file: Mapping[str, Any]) -> FinishedFile:
    source = Path(file["path"])
    if file["kind"] not in KINDS or not source.resolve().is_relative_to(scratch):
        raise VidgenError("the runner returned a file that is not the job's", code="internal_error")
    stored = store.publish(source, store.artifact_path(claim.job_id, claim.attempt, source.name))
    return FinishedFile(
        kind=file["kind"],
        key=stored.key,
        filename=source.name,
        content_type=file["content_type"],
        size=stored.size,
        sha256=stored.sha256,
        width=file.get("width"),
        height=file.get("height"),
        num_frames=file.get("num_frames"),
        fps=file.get("fps"),
    )

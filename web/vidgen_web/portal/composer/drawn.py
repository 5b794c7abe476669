"""A control as it is drawn from the clip or picture in its slot: a strip of frames beside the slot.

The drawing is a child program's; this process opens no media.
"""

import tempfile
from pathlib import Path
from typing import Annotated

from flask import Blueprint, Response, make_response, request
from pydantic import Field

from vidgen.spec.base import SpecModel
from vidgen.spec.conditioning.control import UNDRAWN, ControlKind
from vidgen_web.access import needs
from vidgen_web.problems import ProblemError
from vidgen_web.programs import told, turn
from vidgen_web.requests import checked
from vidgen_web.services import Services, services

blueprint = Blueprint("drawn", __name__)

LARGEST_SIDE = 4096
Side = Annotated[int, Field(ge=16, le=LARGEST_SIDE)]


class Drawing(SpecModel):
    """What is drawn, from what, at which size and rate: those of the job that would follow it."""

    kind: ControlKind
    width: Side
    height: Side
    fps: int = Field(ge=1, le=120)
    smoothing: float = Field(default=0.0, ge=0, le=1)
    upload_id: str = ""
    artifact_id: str = ""


@blueprint.get("/composer/drawn")
@needs("uploads")
def show() -> Response:
    """The drawn control as a picture. Raises ProblemError invalid_request, not_found; MediaError where it cannot be."""
    asked, found = checked(Drawing, {name: text for name, text in request.args.items() if text}), services()
    with tempfile.TemporaryDirectory() as folder, turn(found):
        out = Path(folder) / "drawn.jpg"
        size = (str(asked.width), str(asked.height), str(asked.fps), str(asked.smoothing))
        told((*found.draw_command, str(_source(found, asked)), str(out), asked.kind, *size), Path(folder))
        response = make_response(out.read_bytes())
    response.mimetype = "image/jpeg"
    # what lies in a slot never changes, so neither does what is drawn of it
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def can_be_drawn(kind: str) -> bool:
    return kind not in UNDRAWN


def _source(found: Services, asked: Drawing) -> Path:
    if asked.upload_id:
        path = found.uploads.path(asked.upload_id)
    else:
        key = found.jobs.artifact_key(asked.artifact_id)
        path = found.store.path(key) if key else None
    if path is None or not path.is_file():
        raise ProblemError("not_found", "there is no such upload or artifact")
    return path

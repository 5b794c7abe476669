"""What lies in a media slot of the composer: a reference, its name, and a picture of it where there is one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vidgen.jobs.views import Artifact
from vidgen.spec import MediaRef
from vidgen_web.answers import artifact_url
from vidgen_web.portal.languages import gettext as _
from vidgen_web.services import Services


@dataclass(frozen=True, slots=True)
class Slot:
    """A reference as the form's hidden fields hold it, and what is shown of it."""

    upload_id: str = ""
    artifact_id: str = ""
    frame: str = ""
    label: str = ""
    picture: str = ""
    clip: str = ""
    fps: float | None = None

    @property
    def is_filled(self) -> bool:
        return bool(self.upload_id or self.artifact_id)

    def reference(self) -> dict[str, Any]:
        """The slot as a MediaRef's fields."""
        told = {"upload_id": self.upload_id, "artifact_id": self.artifact_id, "frame": self.frame}
        return {name: value for name, value in told.items() if value}


EMPTY = Slot()


def from_reference(services: Services, ref: object) -> Slot:
    """The slot that holds what a spec refers to; empty when that is nothing, or gone."""
    if not isinstance(ref, MediaRef):
        return EMPTY
    frame = "" if ref.frame is None else str(ref.frame)
    if ref.artifact_id:
        artifact = services.jobs.artifact(ref.artifact_id)
        return from_artifact(services, artifact, frame) if artifact else EMPTY
    upload = services.uploads.get(ref.upload_id or "")
    return Slot(upload_id=upload.id, frame=frame, label=upload.filename) if upload else EMPTY


def from_artifact(services: Services, artifact: Artifact, frame: str) -> Slot:
    """A clip that was made here, or one frame of it ("" for the whole, "-1" for the last)."""
    job = services.jobs.get(artifact.job_id)
    poster = next((a for a in job.artifacts if a.kind == "poster"), None) if job else None
    prompt = " ".join(job.spec.prompt.split()) if job else ""
    which = _frame_name(frame)
    return Slot(
        artifact_id=artifact.id,
        frame=frame,
        label=_("%(which)s of “%(prompt)s”", which=which, prompt=prompt) if prompt else which,
        picture=artifact_url(poster.id) if poster else "",
        clip=artifact_url(artifact.id) if artifact.kind == "video" else "",
        fps=artifact.fps,
    )


def named(services: Services, name: str, form: Mapping[str, str]) -> Slot:
    """What a form's hidden fields name; a thing that is gone stays named, so that its refusal can be told."""
    told = {part: form.get(f"{name}.{part}", "") for part in ("upload_id", "artifact_id", "frame")}
    if told["artifact_id"] and (artifact := services.jobs.artifact(told["artifact_id"])) is not None:
        return from_artifact(services, artifact, told["frame"])
    upload = services.uploads.get(told["upload_id"]) if told["upload_id"] else None
    label = upload.filename if upload else _("The chosen picture or clip")
    return Slot(told["upload_id"], told["artifact_id"], told["frame"], label)


def _frame_name(frame: str) -> str:
    if not frame:
        return _("Clip")
    if frame in ("-1", "0"):
        return _("Last frame") if frame == "-1" else _("First frame")
    # people count frames from 1, as the player shows them
    return _("Frame %(n)s", n=int(frame) + 1) if int(frame) > 0 else _("Frame %(n)s from the end", n=-int(frame))

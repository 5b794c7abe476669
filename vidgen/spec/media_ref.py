"""A reference to a picture or clip that the service already holds. Never a path, never a URL."""

from pydantic import Field, model_validator

from vidgen.spec.base import SpecModel


class MediaRef(SpecModel):
    """Names either an upload or an artifact of an earlier job, and optionally one frame of it.

    `frame` counts from 0; negative numbers count from the end, so -1 is the last frame.
    """

    upload_id: str | None = Field(default=None, pattern=r"^upl_[A-Za-z0-9_-]{1,64}$", description="From POST /uploads.")
    artifact_id: str | None = Field(
        default=None, pattern=r"^art_[A-Za-z0-9_-]{1,64}$", description="An earlier result."
    )
    frame: int | None = Field(default=None, description="Frame index when the source is a clip; -1 is the last frame.")

    @model_validator(mode="after")
    def _exactly_one_source(self) -> "MediaRef":
        if (self.upload_id is None) == (self.artifact_id is None):
            raise ValueError("give exactly one of upload_id and artifact_id")
        return self

    @property
    def key(self) -> str:
        """The id this reference points to; RunContext.media maps it to a local file."""
        return self.upload_id or self.artifact_id or ""

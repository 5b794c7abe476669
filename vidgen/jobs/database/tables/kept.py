"""What people bring and keep: uploads, marks of clips, presets."""

from sqlalchemy import JSON, BigInteger, Double, Index
from sqlmodel import Field, SQLModel

from vidgen.jobs.database.tables.columns import AnyJson


class UploadRow(SQLModel, table=True):
    __tablename__ = "uploads"
    __table_args__ = (Index("uploads_by_tenant", "tenant"),)

    id: str = Field(primary_key=True)
    tenant: str = "local"
    filename: str
    kind: str
    key: str
    content_type: str
    size: int = Field(sa_type=BigInteger)
    sha256: str
    width: int
    height: int
    num_frames: int | None = None
    fps: float | None = Field(default=None, sa_type=Double)
    created_at: float = Field(sa_type=Double, index=True)


class MarkRow(SQLModel, table=True):
    """What people note of a clip: a star, a project (gallery.py)."""

    __tablename__ = "gallery_marks"
    __table_args__ = (Index("gallery_marks_by_project", "project"),)

    job_id: str = Field(primary_key=True, foreign_key="jobs.id", ondelete="CASCADE")
    starred: bool = False
    project: str = ""


class PresetRow(SQLModel, table=True):
    """A form's texts under a name (presets.py)."""

    __tablename__ = "presets"

    tenant: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    values: AnyJson = Field(sa_type=JSON)
    created_at: float = Field(sa_type=Double)

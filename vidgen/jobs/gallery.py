"""Finished clips as their makers keep them: starred, filed into projects, searched.

Stars and projects are rows of their own: people change them at any time, and a job's row is its worker's to write.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Engine, func, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.errors import VidgenError
from vidgen.jobs.database.cursors import page
from vidgen.jobs.database.session import reading, writing
from vidgen.jobs.database.tables import JobRow, MarkRow
from vidgen.jobs.reading import job_views
from vidgen.jobs.tenants.tenancy import Tenanted
from vidgen.jobs.views import Job
from vidgen.spec import JobStatus

PROJECT_LIMIT = 60


@dataclass(frozen=True, slots=True)
class Mark:
    """What a person noted of a clip. `project` is "" for clips that lie in none."""

    starred: bool = False
    project: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which clips: those whose prompt holds `text`, of this project, of this task. Empty: all."""

    text: str = ""
    starred: bool = False
    project: str = ""
    task: str = ""


@dataclass(frozen=True, slots=True)
class GalleryPage:
    """Newest first. `marks` has those that anybody made, by job."""

    items: Sequence[Job]
    next_cursor: str | None
    marks: Mapping[str, Mark] = field(default_factory=dict)


class Gallery(Tenanted):
    """Succeeded jobs of one tenant, or of all, with their marks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def page(self, wanted: Wanted, limit: int, cursor: str | None = None) -> GalleryPage:
        """Raises VidgenError invalid_cursor."""
        own = self._visible(col(JobRow.tenant)), col(JobRow.status) == JobStatus.SUCCEEDED
        statement = select(JobRow).where(*own, *_conditions(wanted))
        if wanted.starred or wanted.project:
            statement = statement.join(MarkRow, col(MarkRow.job_id) == col(JobRow.id))
        with reading(self._engine) as session:
            rows, following = page(session, JobRow, statement, limit, cursor)
            marks = _marks(session, [row.id for row in rows])
            return GalleryPage(job_views(session, rows), following, marks)

    def mark(self, job_id: str) -> Mark:
        """What is noted of one clip."""
        with reading(self._engine) as session:
            return _marks(session, [job_id]).get(job_id, Mark())

    def star(self, job_id: str, starred: bool) -> None:
        """Raises VidgenError not_found."""
        with writing(self._engine) as session:
            self._row(session, job_id).starred = starred

    def file(self, job_id: str, project: str) -> None:
        """Put a job into a project, which exists as long as something lies in it; "" takes it out.

        Raises VidgenError not_found, invalid_request.
        """
        name = " ".join(project.split())
        if len(name) > PROJECT_LIMIT or not name.isprintable():
            raise VidgenError(f"project: give {PROJECT_LIMIT} printable characters at most", code="invalid_request")
        with writing(self._engine) as session:
            self._row(session, job_id).project = name

    def projects(self) -> Sequence[tuple[str, int]]:
        """Names and numbers of clips, by name."""
        own = self._visible(col(JobRow.tenant)), col(MarkRow.project) != ""
        counted = select(col(MarkRow.project), func.count()).join(JobRow, col(MarkRow.job_id) == col(JobRow.id))
        with reading(self._engine) as session:
            found = session.execute(counted.where(*own).group_by(col(MarkRow.project)).order_by(col(MarkRow.project)))
            return [(name, count) for name, count in found]

    def _row(self, session: Session, job_id: str) -> MarkRow:
        own = col(JobRow.id) == job_id, self._visible(col(JobRow.tenant))
        if session.scalar(select(col(JobRow.id)).where(*own).with_for_update()) is None:
            raise VidgenError(f"{job_id}: no such job", code="not_found")
        row = session.get(MarkRow, job_id) or MarkRow(job_id=job_id)
        session.add(row)
        return row


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    spec = col(JobRow.spec)
    found: list[ColumnElement[bool]] = []
    for word in wanted.text.split():
        # a story is called by its first part
        texts = spec["prompt"].as_string(), spec[("segments", 0, "prompt")].as_string()
        found.append(or_(*(text.icontains(word, autoescape=True) for text in texts)))
    if wanted.task:
        found.append(col(JobRow.task) == wanted.task)
    if wanted.starred:
        found.append(col(MarkRow.starred).is_(True))
    if wanted.project:
        found.append(col(MarkRow.project) == wanted.project)
    return found


def _marks(session: Session, job_ids: Sequence[str]) -> dict[str, Mark]:
    rows = session.scalars(select(MarkRow).where(col(MarkRow.job_id).in_(job_ids))) if job_ids else ()
    return {row.job_id: Mark(row.starred, row.project) for row in rows}

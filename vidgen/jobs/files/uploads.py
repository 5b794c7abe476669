"""Uploads: normalised media that specs refer to by id. Probing and re-encoding happen before, elsewhere."""

from collections.abc import Collection
from itertools import islice
from pathlib import Path, PurePath

from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session
from sqlmodel import col

from vidgen.errors import VidgenError
from vidgen.jobs.awaited import is_upload_awaited
from vidgen.jobs.database.clock import as_datetime, database_now
from vidgen.jobs.database.cursors import page
from vidgen.jobs.database.session import CREATE_LOCK, lock, reading, writing
from vidgen.jobs.database.tables import UploadRow
from vidgen.jobs.files.storage import LocalStore
from vidgen.jobs.ids import new_id
from vidgen.jobs.tenants.quotas import Quotas
from vidgen.jobs.tenants.tenancy import Tenanted
from vidgen.jobs.views import MediaKind, Page, Upload

NAME_LIMIT = 200


class UploadRepository(Tenanted):
    """Uploads of one tenant or of all; the row is written after its file, so a row always has one."""

    def __init__(self, engine: Engine, store: LocalStore, quotas: Quotas) -> None:
        self._engine = engine
        self._store = store
        self._quotas = quotas

    def add(
        self,
        source: Path,
        *,
        filename: str,
        kind: MediaKind,
        content_type: str,
        width: int,
        height: int,
        num_frames: int | None = None,
        fps: float | None = None,
    ) -> Upload:
        """Move the normalised file `source` into the store and record it under a new id.

        Raises VidgenError storage_quota; the file is gone then.
        """
        upload_id = new_id("upl")
        stored = self._store.publish(source, self._store.upload_path(upload_id, content_type))
        row = UploadRow(
            id=upload_id,
            tenant=self._owner,
            filename=PurePath(filename.replace("\\", "/")).name[:NAME_LIMIT] or "upload",
            kind=kind,
            key=stored.key,
            content_type=content_type,
            size=stored.size,
            sha256=stored.sha256,
            width=width,
            height=height,
            num_frames=num_frames,
            fps=fps,
            created_at=0.0,
        )
        try:
            self._record(row)
        except VidgenError:
            self._store.delete(stored.key)
            raise
        return _view(row)

    def _record(self, row: UploadRow) -> None:
        with writing(self._engine) as session:
            lock(session, CREATE_LOCK)  # no two uploads may count the same free bytes
            self._quotas.check_storage(session, row.tenant, row.size)
            row.created_at = database_now(session)
            session.add(row)

    def get(self, upload_id: str) -> Upload | None:
        with reading(self._engine) as session:
            row = session.scalar(self._one(upload_id))
            return None if row is None else _view(row)

    def list(self, limit: int = 50, cursor: str | None = None) -> Page[Upload]:
        """Newest first. Raises VidgenError invalid_cursor."""
        own = select(UploadRow).where(self._visible(col(UploadRow.tenant)))
        with reading(self._engine) as session:
            rows, following = page(session, UploadRow, own, limit, cursor)
            return Page[Upload](items=tuple(map(_view, rows)), next_cursor=following)

    def path(self, upload_id: str) -> Path | None:
        """The upload's file, for the runner and the portal's thumbnails."""
        with reading(self._engine) as session:
            row = session.scalar(self._one(upload_id))
        return None if row is None else self._store.path(row.key)

    def delete(self, upload_id: str) -> None:
        """Deleting what is gone already is fine."""
        with writing(self._engine) as session:
            key = self._delete_row(session, upload_id)
        if key is not None:
            self._store.delete(key)

    def delete_unawaited(self, upload_id: str) -> bool:
        """`delete`, unless a job that has not ended is to be made from it; returns whether it went."""
        with writing(self._engine) as session:
            # whoever queues or edits a job that needs it is seen here, or finds it gone
            lock(session, CREATE_LOCK)
            key = None if is_upload_awaited(session, upload_id) else self._delete_row(session, upload_id)
        if key is not None:
            self._store.delete(key)
        return key is not None

    def _delete_row(self, session: Session, upload_id: str) -> str | None:
        """The key of the file that is to go once this is committed."""
        row = session.scalar(self._one(upload_id))
        if row is None:
            return None
        session.delete(row)
        return row.key

    def older_than(self, seconds: float, *, keep: Collection[str] = (), limit: int = 100) -> tuple[str, ...]:
        """Ids of uploads that were made longer ago than that, oldest first, without those in `keep`."""
        with reading(self._engine) as session:
            statement = select(col(UploadRow.id)).where(col(UploadRow.created_at) < database_now(session) - seconds)
            old = session.scalars(statement.order_by(col(UploadRow.created_at)))
            # left out here and not in the statement, which can hold only so many ids
            return tuple(islice((upload_id for upload_id in old if upload_id not in keep), limit))

    def _one(self, upload_id: str) -> Select[UploadRow]:
        return select(UploadRow).where(col(UploadRow.id) == upload_id, self._visible(col(UploadRow.tenant)))


def _view(row: UploadRow) -> Upload:
    return Upload.model_validate(
        row.model_dump(exclude={"tenant", "key", "created_at"}) | {"created_at": as_datetime(row.created_at)}
    )

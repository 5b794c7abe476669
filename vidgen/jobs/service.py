"""The control plane put together from the settings, for whoever starts a process."""

from dataclasses import dataclass

from sqlalchemy import Engine

from vidgen.jobs.database.session import make_engine
from vidgen.jobs.files.storage import LocalStore
from vidgen.jobs.files.uploads import UploadRepository
from vidgen.jobs.line.pausing import QueueSwitch
from vidgen.jobs.line.watchdog import Watchdog
from vidgen.jobs.repository import JobRepository
from vidgen.jobs.settings import Settings
from vidgen.jobs.state.presence import Presence
from vidgen.jobs.state.tallies import StageTimes
from vidgen.jobs.tenants.audit import AuditLog
from vidgen.jobs.tenants.keys import KeyRepository
from vidgen.jobs.tenants.quotas import Limits, Quotas
from vidgen.jobs.webhooks.deliveries import DeliveryRepository
from vidgen.jobs.webhooks.endpoints import EndpointRepository


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """What the web process and the workers share."""

    settings: Settings
    engine: Engine
    store: LocalStore
    jobs: JobRepository
    uploads: UploadRepository
    endpoints: EndpointRepository
    deliveries: DeliveryRepository
    keys: KeyRepository
    quotas: Quotas
    audit: AuditLog
    presence: Presence
    switch: QueueSwitch
    stage_times: StageTimes
    watchdog: Watchdog


def open_control_plane(settings: Settings) -> ControlPlane:
    """Opens the database that `migrate(settings)` has prepared; starts nothing."""
    engine, store = make_engine(settings), LocalStore(settings.data_dir / "store")
    quotas = Quotas(engine, Limits.of(settings))
    jobs = JobRepository(
        engine, store, quotas=quotas, max_attempts=settings.max_attempts, retention_days=settings.retention_days
    )
    presence, switch = Presence(engine), QueueSwitch(engine)
    return ControlPlane(
        settings=settings,
        engine=engine,
        store=store,
        jobs=jobs,
        uploads=UploadRepository(engine, store, quotas),
        endpoints=EndpointRepository(engine, settings.webhook_secret, settings.webhook_allow_private),
        deliveries=DeliveryRepository(engine),
        keys=KeyRepository(engine),
        quotas=quotas,
        audit=AuditLog(engine),
        stage_times=StageTimes(engine),
        presence=presence,
        switch=switch,
        watchdog=Watchdog(engine, jobs, presence, switch, settings.unclaimed_seconds),
    )

"""The service's figures in Prometheus' terms. They come from the database, so every web process tells the same."""

import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from vidgen import __version__
from vidgen.jobs.state import tallies
from vidgen.jobs.state.figures import Figures, figures
from vidgen.jobs.state.tallies import Tally
from vidgen_web.services import Services

Labelled = Mapping[str, float]
NONE = Tally(0, 0.0)


def exposition(services: Services, accept: str) -> tuple[bytes, str]:
    """The answer's body and content type: Prometheus' text form, or OpenMetrics where the client accepts that."""
    registry = CollectorRegistry()
    registry.register(_Service(services))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Service(Collector):
    """Asks the database when it is asked."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def describe(self) -> list[Any]:
        return []  # or registering would ask the database

    def collect(self) -> Iterator[Any]:
        now = figures(self._services.engine)
        disk = shutil.disk_usage(self._services.settings.data_dir)
        yield _gauge("vidgen_info", "Version of the web process that answers.", "version", {__version__: 1})
        yield from _present(now)
        yield _gauge("vidgen_disk_bytes", "The data folder's disk.", "kind", {"free": disk.free, "size": disk.total})
        yield from _past(now)


def _present(now: Figures) -> Iterator[Any]:
    yield _gauge("vidgen_jobs", "Jobs that exist, by status; queued is the queue's depth.", "status", now.jobs)
    waits = "How long the longest waiting job that may start has waited."
    yield GaugeMetricFamily("vidgen_queue_oldest_seconds", waits, value=now.oldest_due_seconds)
    yield _gauge("vidgen_webhooks", "Webhook deliveries that exist, by status.", "status", now.webhooks)
    yield _gauge("vidgen_workers", "Workers that were seen in the last 30 seconds.", "state", now.workers)
    yield _gauge("vidgen_stored_bytes", "Bytes of published files.", "kind", now.stored_bytes)


def _past(now: Figures) -> Iterator[Any]:
    jobs = now.tallies.get(tallies.JOBS, {})
    yield _total("vidgen_jobs_submitted", "Jobs queued by clients, retries included.", jobs.get("queued"))
    yield _total("vidgen_jobs_requeued", "Attempts that went back to the queue.", jobs.get("requeued"))
    yield _finished(jobs)
    yield _waits(now.tallies.get(tallies.CLAIM_SECONDS, {}))
    runs, stages = now.tallies.get(tallies.RUN_SECONDS, {}), now.tallies.get(tallies.STAGE_SECONDS, {})
    yield _summary("vidgen_run_seconds", "The successful attempt of jobs that succeeded.", "task", runs)
    yield _summary("vidgen_stage_seconds", "Time in each stage of all attempts.", "stage", stages)
    attempts = CounterMetricFamily("vidgen_webhook_attempts", "Attempts at webhook deliveries.", labels=["outcome"])
    for outcome, tally in now.tallies.get(tallies.WEBHOOKS, {}).items():
        attempts.add_metric([outcome], tally.count)
    yield attempts
    lost = now.tallies.get(tallies.LEASES_LOST, {}).get("")
    yield _total("vidgen_leases_lost", "Leases that ran out because their worker fell silent.", lost)
    surprises = now.tallies.get(tallies.SURPRISES, {}).get("")
    yield _total("vidgen_upkeep_failures", "Looks after the queue that failed for no known reason.", surprises)


def _finished(jobs: Mapping[str, Tally]) -> CounterMetricFamily:
    finished = CounterMetricFamily("vidgen_jobs_finished", "Jobs that ended.", labels=["outcome", "code"])
    for outcome in ("succeeded", "cancelled"):
        finished.add_metric([outcome, ""], jobs.get(outcome, NONE).count)
    for label, tally in jobs.items():
        if label.startswith(tallies.FAILED):
            finished.add_metric(["failed", label.removeprefix(tallies.FAILED)], tally.count)
    return finished


def _waits(buckets: Mapping[str, Tally]) -> HistogramMetricFamily:
    counts, sofar = [], 0
    for bound in tallies.CLAIM_BOUNDS:
        sofar += buckets.get(str(bound), NONE).count
        counts.append(("+Inf" if bound == float("inf") else str(bound), sofar))
    text = "From the moment a new job may start to its first claim."
    return HistogramMetricFamily(
        "vidgen_claim_seconds", text, buckets=counts, sum_value=sum(tally.total for tally in buckets.values())
    )


def _gauge(name: str, text: str, label: str, values: Labelled) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for of, value in values.items():
        family.add_metric([of], value)
    return family


def _total(name: str, text: str, tally: Tally | None) -> CounterMetricFamily:
    return CounterMetricFamily(name, text, value=(tally or NONE).count)


def _summary(name: str, text: str, label: str, values: Mapping[str, Tally]) -> SummaryMetricFamily:
    family = SummaryMetricFamily(name, text, labels=[label])
    for of, tally in values.items():
        family.add_metric([of], tally.count, tally.total)
    return family

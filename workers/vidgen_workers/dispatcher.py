"""Sends due webhooks: takes a parcel, signs it, posts it, writes down the answer. One parcel at a time."""

import logging
import time
import traceback
from collections.abc import Callable, Sequence

from vidgen.jobs.addresses import AddressRefused
from vidgen.jobs.outbox import Outbox, Parcel
from vidgen.jobs.sender import Answer, SendFailed, post
from vidgen.jobs.signing import sign
from vidgen.telemetry import context
from vidgen.telemetry.traceparent import trace_of
from vidgen.telemetry.tracing import span

log = logging.getLogger(__name__)

USER_AGENT = "vidgen-webhooks/1"
Post = Callable[..., Answer]


class Dispatcher:
    """`allow` holds the private receivers that the operator permits."""

    def __init__(self, outbox: Outbox, allow: Sequence[str] = (), *, send: Post = post) -> None:
        self._outbox = outbox
        self._allow = allow
        self._send = send

    def deliver_one(self) -> bool:
        """One attempt at the delivery that is due longest; False when none is."""
        parcel = self._outbox.take()
        if parcel is None:
            return False
        trace = trace_of(parcel.traceparent)
        with context.bound(job=parcel.job_id, attempt=parcel.attempt, tenant=parcel.tenant, trace=trace):
            self._deliver(parcel)
        return True

    def _deliver(self, parcel: Parcel) -> None:
        extra, started = {"delivery": parcel.delivery_id}, time.monotonic()
        try:
            with span("webhook", parcel.traceparent, delivery=parcel.delivery_id, attempt=parcel.attempt):
                answer = self._attempt(parcel)
        except AddressRefused as error:
            log.warning("webhook refused: %s", error.code, extra=extra)
            self._outbox.unanswered(
                parcel, error.message, final=not error.retryable, seconds=time.monotonic() - started
            )
        except SendFailed as error:
            log.warning("webhook failed", extra=extra)
            self._outbox.unanswered(parcel, error.message, seconds=time.monotonic() - started)
        except Exception as error:
            # a receiver chooses its answer: raised further, one that nobody foresaw would end this and every later
            # worker. The error's own text stays out of the log, because it may quote the URL
            trace = "".join(traceback.format_tb(error.__traceback__))
            log.error("webhook failed unexpectedly: %s\n%s", type(error).__name__, trace, extra=extra)
            reason = f"failed unexpectedly ({type(error).__name__})"
            self._outbox.unanswered(parcel, reason, seconds=time.monotonic() - started)
        else:
            log.info("webhook answered", extra=extra | {"status": answer.status})
            self._outbox.answered(parcel, answer.status, answer.retry_after, seconds=time.monotonic() - started)

    def _attempt(self, parcel: Parcel) -> Answer:
        body = parcel.body
        return self._send(parcel.url, _headers(parcel, body, int(parcel.taken_at)), body, allow=self._allow)


def _headers(parcel: Parcel, body: bytes, timestamp: int) -> dict[str, str]:
    signatures = " ".join(sign(secret, parcel.event_id, timestamp, body) for secret in parcel.secrets)
    return {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "webhook-id": parcel.event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signatures,
    }

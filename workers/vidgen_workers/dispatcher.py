"""Sends due webhooks: takes a parcel, signs it, posts it, writes down the answer.

A receiver may take fifteen seconds to say nothing. So several threads deliver at a time, and no tenant has all of them.
"""

import logging
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from vidgen.jobs.outbound.addresses import AddressRefused
from vidgen.jobs.webhooks.outbox import Outbox, Parcel
from vidgen.jobs.webhooks.sender import Answer, SendFailed, post
from vidgen.jobs.webhooks.signing import sign
from vidgen.telemetry import context
from vidgen.telemetry.traceparent import trace_of
from vidgen.telemetry.tracing import span

log = logging.getLogger(__name__)

USER_AGENT = "vidgen-webhooks/1"
Post = Callable[..., Answer]


class Dispatcher:
    """`allow` holds the private receivers that the operator permits.

    `deliver_one` may be called by any number of threads; of one tenant `at_most` deliveries are in hand at a time.
    """

    def __init__(
        self, outbox: Outbox, allow: Sequence[str] = (), *, send: Post = post, at_most: int | None = None
    ) -> None:
        self._outbox = outbox
        self._allow = allow
        self._send = send
        self._at_most = at_most
        self._in_hand: Counter[str] = Counter()
        self._taking = threading.Lock()

    def deliver_one(self) -> bool:
        """One attempt at a delivery that is due, of the tenant who is served least right now; False when none is."""
        with self._taken() as parcel:
            if parcel is None:
                return False
            trace = trace_of(parcel.traceparent)
            with context.bound(job=parcel.job_id, attempt=parcel.attempt, tenant=parcel.tenant, trace=trace):
                self._deliver(parcel)
        return True

    @contextmanager
    def _taken(self) -> Iterator[Parcel | None]:
        with self._taking:  # two that looked at the same time would both see room for one more
            parcel = self._outbox.take(self._in_hand, self._at_most)
            if parcel is not None:
                self._in_hand[parcel.tenant] += 1
        try:
            yield parcel
        finally:
            if parcel is not None:
                with self._taking:
                    self._in_hand[parcel.tenant] -= 1
                    self._in_hand += Counter()  # forget who has none

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

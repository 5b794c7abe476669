import json
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.jobs_fixtures import make_spec, queue_job
from vidgen.errors import VidgenError
from vidgen.jobs.database.session import writing
from vidgen.jobs.database.tables import EndpointRow, OutboxRow
from vidgen.jobs.outbound.addresses import AddressRefused
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.webhooks.body import webhook_body
from vidgen.jobs.webhooks.outbox import SCHEDULE, Outbox, next_delay
from vidgen.jobs.webhooks.signing import endpoint_secret, sign
from vidgen.spec.long import LongFields, Segment, Take

URL = "https://hooks.example/in"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def outbox(plane: ControlPlane) -> Outbox:
    return Outbox(plane.engine, plane.settings.webhook_secret, lambda artifact_id, _: f"http://x/{artifact_id}")


def finish_one(plane: ControlPlane, callback_url: str | None = None) -> str:
    queue_job(plane, callback_url=callback_url)
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    plane.jobs.succeed(claim, [])
    return claim.job_id


def test_signatures_verify_with_the_standard_package() -> None:
    now = int(datetime.now(UTC).timestamp())
    body = '{"prompt":"ä ball"}'.encode()
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(now),
        "webhook-signature": sign(SECRET, "evt_1", now, body),
    }
    assert Webhook(SECRET).verify(body, headers) == {"prompt": "ä ball"}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint_secret(SECRET, "we_1", 1)).verify(body, headers)


def test_the_example_of_the_specification() -> None:
    signature = sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_secrets_are_shown_twice_in_a_life_and_never_stored(plane: ControlPlane) -> None:
    made = plane.endpoints.create(URL, "mine", ["job.failed"])
    assert made.secret is not None
    assert made.events == ("job.failed",)
    got = plane.endpoints.get(made.id)
    assert got == made.model_copy(update={"secret": None})
    assert plane.endpoints.list().items == (got,)
    rotated = plane.endpoints.rotate_secret(made.id)
    assert rotated.secret not in (None, made.secret)
    plane.engine.dispose()
    written = b"".join(path.read_bytes() for path in plane.settings.data_dir.glob("vidgen.db*"))
    for secret in (made.secret, rotated.secret, plane.settings.webhook_secret):
        assert secret is not None
        assert secret.removeprefix("whsec_").encode() not in written


def test_endpoints_are_changed_and_deleted(plane: ControlPlane) -> None:
    made = plane.endpoints.create(URL)
    changed = plane.endpoints.update(made.id, description="new", events=["job.failed"], enabled=False)
    assert (changed.url, changed.description, changed.enabled) == (URL, "new", False)
    plane.endpoints.delete(made.id)
    assert plane.endpoints.get(made.id) is None
    for call in (plane.endpoints.delete, plane.endpoints.rotate_secret, plane.endpoints.test, plane.deliveries.resend):
        with pytest.raises(VidgenError) as caught:
            call(made.id)
        assert caught.value.code == "not_found"


def test_bad_urls_and_events_are_refused(plane: ControlPlane) -> None:
    with pytest.raises(AddressRefused):
        plane.endpoints.create("ftp://hooks.example/")
    made = plane.endpoints.create(URL)
    with pytest.raises(AddressRefused):
        plane.endpoints.update(made.id, url="http://a b/")
    for events in ((), ("job.running",)):
        with pytest.raises(VidgenError) as caught:
            plane.endpoints.create(URL, events=events)
        assert caught.value.code == "invalid_events"


def test_the_terminal_transaction_fills_the_outbox_for_every_target(plane: ControlPlane) -> None:
    every = plane.endpoints.create(URL)
    plane.endpoints.create(URL, events=["job.failed"])
    disabled = plane.endpoints.create(URL)
    plane.endpoints.update(disabled.id, enabled=False)
    finish_one(plane, callback_url="https://callback.example/")
    found = plane.deliveries.list().items
    assert {(d.endpoint_id, d.url) for d in found} == {(every.id, URL), (None, "https://callback.example/")}
    assert {(d.kind, d.status, d.attempts) for d in found} == {("job.succeeded", "pending", 0)}
    assert len({d.event_id for d in found}) == 1
    assert [d.endpoint_id for d in plane.deliveries.list(every.id).items] == [every.id]


def test_a_rolled_back_end_leaves_no_delivery(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    plane.endpoints.create(URL)
    job = queue_job(plane)
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    monkeypatch.setattr("vidgen.jobs.history.new_id", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        plane.jobs.succeed(claim, [])
    monkeypatch.undo()
    assert plane.deliveries.list().items == ()
    assert plane.jobs.get(job.id).status == "running"  # type: ignore[union-attr]


def test_taking_hides_a_delivery_for_the_length_of_an_attempt(plane: ControlPlane) -> None:
    job_id = finish_one(plane, callback_url=URL)
    parcel = outbox(plane).take()
    assert parcel is not None
    assert outbox(plane).take() is None
    assert (parcel.attempt, parcel.url, parcel.secrets) == (1, URL, (plane.settings.webhook_secret,))
    body = json.loads(parcel.body)
    assert (body["type"], body["data"]["id"], body["data"]["status"]) == ("job.succeeded", job_id, "succeeded")


def test_success_ends_a_delivery_and_a_late_outcome_changes_nothing(plane: ControlPlane) -> None:
    finish_one(plane, callback_url=URL)
    box = outbox(plane)
    parcel = box.take()
    assert parcel is not None
    box.answered(parcel, 299)
    (done,) = plane.deliveries.list().items
    assert (done.status, done.last_status_code, done.next_at) == ("delivered", 299, None)
    assert done.delivered_at is not None
    box.unanswered(parcel, "too late")
    assert plane.deliveries.list().items == (done,)


def test_failures_follow_the_schedule_and_then_end(plane: ControlPlane) -> None:
    finish_one(plane, callback_url=URL)
    box = outbox(plane)
    for attempt in range(1, len(SCHEDULE) + 1):
        make_due(plane)
        parcel = box.take()
        assert parcel is not None
        assert parcel.attempt == attempt
        before = datetime.now(UTC)
        box.answered(parcel, 500)
        (delivery,) = plane.deliveries.list().items
        if attempt < len(SCHEDULE):
            assert delivery.next_at is not None
            waited = (delivery.next_at - before).total_seconds()
            assert SCHEDULE[attempt] - 1 <= waited <= SCHEDULE[attempt] * 1.2 + 1
    assert (delivery.status, delivery.attempts, delivery.next_at) == ("failed", 10, None)
    assert delivery.last_error == "answered 500"
    again = plane.deliveries.resend(delivery.id)
    assert (again.status, again.attempts, again.event_id) == ("pending", 10, delivery.event_id)


def make_due(plane: ControlPlane) -> None:
    with writing(plane.engine) as session:
        for row in session.query(OutboxRow):
            row.next_at = 0.0


def test_the_schedule_has_jitter_and_honours_retry_after() -> None:
    assert SCHEDULE == (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    assert len({next_delay(2) for _ in range(5)}) > 1
    assert next_delay(1, 4000.0) == 4000.0
    assert next_delay(10, 4000.0) is None


def test_gone_disables_the_endpoint(plane: ControlPlane) -> None:
    made = plane.endpoints.create(URL)
    finish_one(plane)
    box = outbox(plane)
    parcel = box.take()
    assert parcel is not None
    box.answered(parcel, 410)
    assert plane.endpoints.get(made.id).enabled is False  # type: ignore[union-attr]
    assert plane.deliveries.list().items[0].status == "failed"
    finish_one(plane)
    assert len(plane.deliveries.list().items) == 1


def test_a_disabled_endpoint_gets_tests_only(plane: ControlPlane) -> None:
    made = plane.endpoints.create(URL)
    finish_one(plane)
    plane.endpoints.update(made.id, enabled=False)
    assert outbox(plane).take() is None
    test = plane.endpoints.test(made.id)
    parcel = outbox(plane).take()
    assert parcel is not None
    assert parcel.delivery_id == test.id
    assert json.loads(parcel.body)["type"] == "webhook.test"


def test_for_a_day_a_rotation_signs_with_both_secrets(plane: ControlPlane) -> None:
    made = plane.endpoints.create(URL)
    rotated = plane.endpoints.rotate_secret(made.id)
    plane.endpoints.test(made.id)
    parcel = outbox(plane).take()
    assert parcel is not None
    assert parcel.secrets == (rotated.secret, made.secret)
    with writing(plane.engine) as session:
        session.get_one(EndpointRow, made.id).rotated_at = 1.0
    make_due(plane)
    parcel = outbox(plane).take()
    assert parcel is not None
    assert parcel.secrets == (rotated.secret,)


def test_a_corrected_url_serves_what_still_waits(plane: ControlPlane) -> None:
    made = plane.endpoints.create(URL)
    finish_one(plane)
    plane.endpoints.update(made.id, url="https://new.example/")
    parcel = outbox(plane).take()
    assert parcel is not None
    assert parcel.url == "https://new.example/"


def test_bodies_stay_small_carry_links_and_do_not_change() -> None:
    spec = make_spec("🎈" * 2000, negative_prompt="🎈" * 2000).model_dump(mode="json")
    artifacts = [{"id": f"art_{n}", "kind": "video"} for n in range(3)]
    payload = {"id": "job_1", "spec": spec, "artifacts": artifacts, "expires_at": "2030-01-01T00:00:00Z"}
    link = "http://x/{}?{:%Y}".format
    body = webhook_body(
        "evt_1", "job.succeeded", datetime(2026, 1, 1, tzinfo=UTC), {**payload, "more": "x" * 9000}, link
    )
    assert len(body) < 20_000
    data = json.loads(body)["data"]
    assert data["artifacts"][2]["url"] == "http://x/art_2?2030"
    assert data["spec"]["prompt"] == "🎈" * 500
    short = webhook_body("evt_1", "job.succeeded", datetime(2026, 1, 1, tzinfo=UTC), payload, link)
    assert json.loads(short)["data"]["spec"] == spec
    assert short == webhook_body("evt_1", "job.succeeded", datetime(2026, 1, 1, tzinfo=UTC), payload, link)


@pytest.mark.parametrize(("count", "kept"), [(9, 9), (25, 25), (100, None)])
def test_bodies_of_long_clips_stay_small_too(plane: ControlPlane, count: int, kept: int | None) -> None:
    """Fails when texts within lists are not shortened (a body of 49,817 bytes), or lists are never left out: tried."""
    prompts = tuple(Segment(prompt="x" * 1900, frames=17) for _ in range(count))
    takes = tuple(Take(chunk=n, seed=n, prompt="y" * 1900) for n in range(2))
    spec = make_spec("a cat", segments=prompts, long=LongFields(takes=takes))
    job = plane.jobs.create(spec, model_revision="1", max_queued=9, callback_url=URL).job
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    plane.jobs.succeed(claim, [])
    parcel = outbox(plane).take()
    assert parcel is not None
    body = parcel.compose()
    assert len(body) < 20_000
    data = json.loads(body)["data"]
    assert (data["id"], data["status"], data["spec"]["prompt"]) == (job.id, "succeeded", "a cat")
    assert len(data["spec"].get("segments", [])) == (kept or 0)
    if kept == 25:
        assert data["spec"]["segments"][24].items() >= {"prompt": "x" * 500, "frames": 17, "cut": False}.items()


def test_a_body_that_cannot_be_shortened_tells_id_and_status() -> None:
    """Fails without the last resort: tried."""
    payload = {"id": "job_1", "status": "failed", "error": {"message": "z" * 30_000}, "spec": {"prompt": ""}}
    body = webhook_body("evt_1", "job.failed", datetime(2026, 1, 1, tzinfo=UTC), payload, "http://x/{}?{:%Y}".format)
    assert len(body) < 20_000
    assert json.loads(body)["data"] == {"id": "job_1", "status": "failed"}


def end_a_video(plane: ControlPlane, ending: str, callback_url: str | None = None) -> str:
    made = plane.jobs.create(
        make_spec(), model_revision="1", max_queued=9, dialect="video", callback_url=callback_url
    ).job
    claim = plane.jobs.claim("w", 60)
    assert claim is not None
    if ending == "succeeded":
        plane.jobs.succeed(claim, [])
    elif ending == "failed":
        plane.jobs.fail(claim, "internal_error", "it broke", retryable=False)
    else:
        plane.jobs.cancel(made.id)
        plane.jobs.mark_cancelled(claim)
    return made.id


@pytest.mark.parametrize(
    ("ending", "name"), [("succeeded", "video.completed"), ("failed", "video.failed"), ("cancelled", "video.failed")]
)
def test_a_jobs_end_is_told_in_the_words_of_the_api_that_asked_for_it(
    plane: ControlPlane, ending: str, name: str
) -> None:
    """Fails when `_names` gives the native kind alone: tried."""
    plane.endpoints.create(URL, events=["video.completed", "video.failed"])
    plane.endpoints.create(URL, events=["job.succeeded", "job.failed", "job.cancelled"])
    plane.endpoints.create(URL, events=["job.succeeded", "job.failed", "job.cancelled", "video.completed"])
    job_id = end_a_video(plane, ending, callback_url=URL)
    told = sorted(delivery.kind for delivery in plane.deliveries.list().items)
    third = name if name == "video.completed" else f"job.{ending}"
    # one delivery a receiver: in the words of videos where it knows them
    assert told == sorted([name, f"job.{ending}", third, name])
    parcels = [parcel for parcel in iter(outbox(plane).take, None) if json.loads(parcel.body)["type"] == name]
    for parcel in parcels:
        body = json.loads(parcel.body)
        assert body["id"] == parcel.event_id
        assert body["object"] == "event"
        assert isinstance(body["created_at"], int)
        assert body["data"] == {"id": job_id}


def test_native_jobs_have_no_video_events(plane: ControlPlane) -> None:
    plane.endpoints.create(URL, events=["video.completed"])
    finish_one(plane)
    assert plane.deliveries.list().items == ()

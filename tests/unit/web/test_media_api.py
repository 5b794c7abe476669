"""Uploads come in through a child program; artifacts go out in ranges."""

import errno
import io
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests.simulated_worker import SimulatedWorker
from tests.unit.web.conftest import FAKE_INGEST
from vidgen.jobs.files.urls import sign_artifact_url
from vidgen.jobs.settings import Settings
from vidgen_web import create_app
from vidgen_web.services import EXTENSION

UPLOADS = "/api/v1/uploads"
MP4 = b"\0\0\0\x18ftypmp42 clip"


@pytest.fixture
def video(client: FlaskClient, worker: SimulatedWorker) -> dict[str, object]:
    client.post("/api/v1/jobs", json={"prompt": "x", "num_frames": 5})
    artifacts = client.get(f"/api/v1/jobs/{worker.run()}").get_json()["artifacts"]
    return next(a for a in artifacts if a["kind"] == "video")


def upload(client: FlaskClient, body: bytes, name: str = "file.bin") -> tuple[int, dict[str, object]]:
    # encoded here, because the test client leaves a temporary file open when it encodes a large form
    boundary, form = encode_multipart({"file": FileStorage(io.BytesIO(body), name)})
    answer = client.post(UPLOADS, data=form, content_type=f"multipart/form-data; boundary={boundary}")
    return answer.status_code, answer.get_json()


def test_a_clip_is_stored_and_served_as_it_was_kept(client: FlaskClient) -> None:
    answer = client.post(UPLOADS, data={"file": (io.BytesIO(MP4), "../../etc/clip.mp4")})
    assert answer.status_code == 201
    stored = client.get(answer.headers["Location"]).get_json()
    assert (stored["kind"], stored["num_frames"], stored["filename"]) == ("video", 9, "clip.mp4")
    with client.get(f"{UPLOADS}/{stored['id']}/content") as content:
        assert content.data == MP4
        assert content.content_type == "video/mp4"


def test_uploads_are_listed_in_pages(client: FlaskClient) -> None:
    """Fails when the cursor is passed over: tried, the second page began anew."""
    made = [upload(client, MP4, f"{n}.mp4")[1]["id"] for n in range(3)]
    first = client.get(UPLOADS, query_string={"limit": 2}).get_json()
    assert [one["id"] for one in first["items"]] == made[:0:-1]
    second = client.get(UPLOADS, query_string={"limit": 2, "cursor": first["next_cursor"]}).get_json()
    assert ([one["id"] for one in second["items"]], second["next_cursor"]) == (made[:1], None)
    assert client.get(UPLOADS, query_string={"cursor": "x"}).get_json()["code"] == "invalid_cursor"
    assert client.get(UPLOADS, query_string={"limit": 0}).get_json()["errors"][0]["field"] == "limit"


def test_a_deleted_upload_is_gone_with_its_file_and_makes_room(tmp_path: Path, migrated: bytes) -> None:
    """What `storage_quota` advises. Fails when the file stays, and when there is no such route, as before: tried."""
    (tmp_path / "vidgen.db").write_bytes(migrated)
    settings = Settings(data_dir=tmp_path, max_upload_mb=1, tenant_max_storage_mb=1)
    app = create_app(settings, ingest_command=(sys.executable, str(FAKE_INGEST)))
    client = app.test_client()
    large = MP4 + bytes(700_000)
    first = upload(client, large)[1]["id"]
    assert upload(client, large)[1]["code"] == "storage_quota"
    files = app.extensions[EXTENSION].store.root / "uploads"
    assert len(list(files.iterdir())) == 1
    assert client.delete(f"{UPLOADS}/{first}").status_code == 204
    assert list(files.iterdir()) == []
    assert client.get(UPLOADS).get_json()["items"] == []
    assert client.delete(f"{UPLOADS}/{first}").get_json()["code"] == "not_found"
    assert upload(client, large)[0] == 201
    app.extensions[EXTENSION].engine.dispose()


def test_an_upload_that_a_job_waits_for_stays(client: FlaskClient, worker: SimulatedWorker) -> None:
    """Fails when `delete` asks nobody: tried."""
    upload_id = upload(client, b"\x89PNG", "a.png")[1]["id"]
    job = client.post("/api/v1/jobs", json={"prompt": "x", "image": {"upload_id": upload_id}}).get_json()
    refused = client.delete(f"{UPLOADS}/{upload_id}")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "upload_awaited")
    assert worker.run() == job["id"]
    assert client.delete(f"{UPLOADS}/{upload_id}").status_code == 204


@pytest.mark.parametrize(
    ("body", "code"), [(b"BAD", "invalid_media"), (b"CRASH", "invalid_media"), (b"", "invalid_media")]
)
def test_files_that_cannot_be_read_are_refused(client: FlaskClient, body: bytes, code: str, settings: Settings) -> None:
    status, problem = upload(client, body)
    assert (status, problem["code"]) == (422, code)
    assert str(settings.data_dir) not in str(problem)
    assert list((settings.data_dir / "incoming").iterdir()) == []


def test_large_files_are_413(client: FlaskClient) -> None:
    status, problem = upload(client, b"x" * (1 << 20) + b"y")
    assert (status, problem["code"]) == (413, "body_too_large")
    status, problem = upload(client, b"x" * (3 << 20))
    assert (status, problem["code"]) == (413, "body_too_large")


def test_uploads_need_exactly_one_file(client: FlaskClient) -> None:
    assert client.post(UPLOADS, json={}).status_code == 415
    assert client.post(UPLOADS, data={"other": (io.BytesIO(MP4), "a")}).get_json()["code"] == "invalid_request"
    two = client.post(UPLOADS, data={"file": [(io.BytesIO(MP4), "a"), (io.BytesIO(MP4), "b")]}).get_json()
    assert (two["code"], two["errors"][0]["message"]) == ("invalid_request", "file: 2 files in one field; send one")
    assert client.get(f"{UPLOADS}/upl_missing").status_code == 404
    assert client.get(f"{UPLOADS}/upl_missing/content").status_code == 404


def test_artifacts_answer_ranges(client: FlaskClient, video: dict[str, object]) -> None:
    url = str(video["url"])
    with client.get(url) as whole:
        assert whole.status_code == 200
        body = whole.data
        assert len(body) == video["size"]
        assert whole.headers["ETag"] == f'"{video["sha256"]}"'
        assert whole.headers["Accept-Ranges"] == "bytes"
        assert whole.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in whole.headers["Content-Security-Policy"]
        assert whole.headers["Content-Disposition"].startswith("inline")
    for asked, part in [("bytes=0-9", body[:10]), ("bytes=-5", body[-5:]), ("bytes=7-", body[7:])]:
        with client.get(url, headers={"Range": asked}) as answer:
            assert answer.status_code == 206
            assert answer.data == part
    for passed_over in ("items=0-1", "bytes=abc", "bytes=0-1,4-5"):
        with client.get(url, headers={"Range": passed_over}) as answer:
            assert (answer.status_code, answer.data) == (200, body), passed_over
    beyond = client.get(url, headers={"Range": f"bytes={len(body)}-"})
    assert (beyond.status_code, beyond.get_json()["code"]) == (416, "range_not_satisfiable")
    assert beyond.headers["Content-Range"] == f"bytes */{len(body)}"
    with client.get(url, headers={"If-None-Match": f'"{video["sha256"]}"'}) as same:
        assert same.status_code == 304
    with client.head(url) as head:
        assert (head.status_code, head.content_length, head.data) == (200, len(body), b"")


def test_downloads_are_attachments(client: FlaskClient, video: dict[str, object]) -> None:
    with client.get(f"{video['url']}?download=1") as answer:
        assert answer.headers["Content-Disposition"].startswith("attachment")


def test_signed_urls_work_from_other_sites_until_they_expire(
    client: FlaskClient, video: dict[str, object], settings: Settings
) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    now = datetime.now(UTC)
    good = sign_artifact_url(settings.secret_key, str(video["id"]), now + timedelta(minutes=5))
    old = sign_artifact_url(settings.secret_key, str(video["id"]), now - timedelta(minutes=5))
    with client.get(good, headers=foreign) as answer:
        assert answer.status_code == 200
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    other = good.replace(str(video["id"]), "art_other")
    for url in (old, good[:-1] + "x", good.replace("expires=", "expires=9"), other, f"{video['url']}?signature=é"):
        assert client.get(url, headers=foreign).get_json()["code"] == "invalid_signature"
    assert client.get(str(video["url"]), headers=foreign).get_json()["code"] == "cross_origin"


def test_a_deleted_jobs_files_are_gone(client: FlaskClient, video: dict[str, object]) -> None:
    client.delete(f"/api/v1/jobs/{video['job_id']}")
    assert client.get(str(video["url"])).status_code == 404


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        (errno.ENOSPC, 507, "storage_full"),
        (errno.EDQUOT, 507, "storage_full"),
        (errno.EACCES, 500, "internal_error"),
        (errno.ENOENT, 500, "internal_error"),
    ],
)
def test_only_a_full_disk_is_storage_full(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, number: int, status: int, code: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number), "/secret/path")

    monkeypatch.setattr("vidgen_web.intake._copy", fail)
    answer, problem = upload(client, MP4)
    assert (answer, problem["code"]) == (status, code)
    assert "secret" not in str(problem)

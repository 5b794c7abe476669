"""/v1/videos: pictures that a video begins with, as files, data and addresses."""

import base64
import io
import socket
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.unit.web.videos_client import PNG, PROMPT, VIDEOS, created, job_of, refused
from vidgen_web.facade.bodies import BODY_LIMIT
from vidgen_web.facade.image_urls import PICTURE_LIMIT


def test_a_file_is_the_first_picture(client: FlaskClient) -> None:
    data = {**PROMPT, "input_reference": (io.BytesIO(PNG), "a.png")}
    video = client.post(VIDEOS, data=data, content_type="multipart/form-data").get_json()
    assert job_of(client, video)["task"] == "image-to-video"


@pytest.mark.parametrize("body", ["json", "data"])
def test_a_data_url_is_the_first_picture(client: FlaskClient, body: str) -> None:
    # longer than what a form's plain field may usually be, and than a JSON body of the native API
    url = "data:image/png;base64," + base64.b64encode(PNG + bytes(600_000)).decode()
    nested: dict[str, Any] = {"input_reference": {"image_url": url}}
    flat: dict[str, Any] = {"input_reference[image_url]": url}
    answer = client.post(VIDEOS, **{body: {**PROMPT, **(nested if body == "json" else flat)}})
    assert answer.status_code == 200, answer.get_json()
    assert job_of(client, answer.get_json())["task"] == "image-to-video"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("data:image/png;base64,%%%", "invalid_media"),
        ("data:text/html;base64,AAAA", "invalid_media"),
        ("data:image/png,plain", "invalid_media"),
        ("data:image/png;base64,", "invalid_media"),
        ("file:///etc/passwd", "url_refused"),
        ("http://127.0.0.1:1/a.png", "url_refused"),
        ("http://169.254.169.254/latest", "url_refused"),
        ("http://[::1]/a.png", "url_refused"),
        ("/etc/passwd", "url_refused"),
    ],
)
def test_urls_that_are_not_public_pictures_are_refused(
    client: FlaskClient, url: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when the address is not checked: tried."""

    def connected(*_: object, **__: object) -> None:
        raise AssertionError("a connection was tried")  # and none is made, even when the check is broken

    monkeypatch.setattr("socket.create_connection", connected)
    status, found, _ = refused(client, json={**PROMPT, "input_reference": {"image_url": url}})
    assert (status, found) == (400, code)


def test_a_private_server_is_never_asked(client: FlaskClient) -> None:
    """Fails when the address is not checked: tried."""
    with socket.create_server(("127.0.0.1", 0)) as private:
        private.settimeout(0.5)
        url = f"http://127.0.0.1:{private.getsockname()[1]}/a.png"
        assert refused(client, json={**PROMPT, "input_reference": {"image_url": url}})[1] == "url_refused"
        with pytest.raises(TimeoutError):
            private.accept()


def test_a_picture_that_is_too_large_is_refused(client: FlaskClient) -> None:
    url = "data:image/png;base64," + "A" * (PICTURE_LIMIT // 3 * 4 + 2000)
    assert len(url) < BODY_LIMIT
    body = {**PROMPT, "input_reference": {"image_url": url}}
    assert refused(client, json=body)[:2] == (400, "invalid_media")
    assert refused(client, json={**PROMPT, "x": "A" * BODY_LIMIT})[:2] == (413, "body_too_large")


def test_a_reference_and_a_file_at_once_are_refused(client: FlaskClient) -> None:
    data = {**PROMPT, "input_reference": (io.BytesIO(PNG), "a.png"), "input_reference[file_id]": "upl_1"}
    assert refused(client, data=data, content_type="multipart/form-data") == (400, "invalid_request", "input_reference")
    data = {**PROMPT, "mask": (io.BytesIO(PNG), "a.png")}
    assert refused(client, data=data, content_type="multipart/form-data") == (400, "invalid_request", "mask")
    twice = {**PROMPT, "input_reference": "x", "input_reference[file_id]": "upl_1"}
    assert refused(client, data=twice) == (400, "invalid_request", "input_reference")


def test_an_upload_of_the_native_api_is_the_first_picture(client: FlaskClient) -> None:
    data = {"file": (io.BytesIO(PNG), "a.png")}
    upload = client.post("/api/v1/uploads", data=data, content_type="multipart/form-data").get_json()
    video = created(client, input_reference={"file_id": upload["id"]})
    assert job_of(client, video)["spec"]["image"]["upload_id"] == upload["id"]

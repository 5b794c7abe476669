"""Signed links. That the routes refuse every change is in tests/security/test_signed_urls.py."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from vidgen.jobs.files.urls import check, sign_artifact_url

KEY = "a secret"
SOON = datetime.now(UTC) + timedelta(days=1)


def query(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


@pytest.mark.parametrize("download", [False, True])
def test_our_own_link_is_good_until_it_expires(download: bool) -> None:
    url = sign_artifact_url(KEY, "art_1", SOON, download=download)
    assert urlsplit(url).path == "/api/v1/artifacts/art_1"
    assert ("download" in query(url)) is download
    assert check(KEY, "art_1", query(url))
    assert not check(KEY, "art_1", query(url), now=SOON.timestamp() + 1)
    assert not check("another", "art_1", query(url))
    assert not check(KEY, "art_2", query(url))


@pytest.mark.parametrize("expires", ["", "soon", "-1", "1e9", "٣", "9" * 13, "1 "])
def test_strange_times_are_refused(expires: str) -> None:
    assert not check(KEY, "art_1", {"expires": [expires], "signature": ["0" * 64]})


@pytest.mark.parametrize("signature", ["", "ü" * 64, "\0"])
def test_strange_signatures_are_refused(signature: str) -> None:
    assert not check(KEY, "art_1", {"expires": [str(int(SOON.timestamp()))], "signature": [signature]})


def test_missing_fields_are_refused() -> None:
    for name in ("expires", "signature"):
        assert not check(
            KEY, "art_1", {k: v for k, v in query(sign_artifact_url(KEY, "art_1", SOON)).items() if k != name}
        )

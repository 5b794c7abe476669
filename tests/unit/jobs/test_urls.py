from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from vidgen.jobs.urls import check, sign_artifact_url

KEY = "a secret"
SOON = datetime.now(UTC) + timedelta(minutes=5)


def query(url: str) -> tuple[str, str]:
    values = parse_qs(urlsplit(url).query)
    return values["expires"][0], values["signature"][0]


def test_our_own_link_is_good_until_it_expires() -> None:
    url = sign_artifact_url(KEY, "art_1", SOON)
    expires, signature = query(url)
    assert urlsplit(url).path == "/api/v1/artifacts/art_1"
    assert check(KEY, "art_1", expires, signature)
    assert not check(KEY, "art_1", expires, signature, now=SOON.timestamp() + 1)


@pytest.mark.parametrize("field", ["key", "id", "expires", "signature"])
def test_every_field_counts(field: str) -> None:
    expires, signature = query(sign_artifact_url(KEY, "art_1", SOON))
    values = {"key": KEY, "id": "art_1", "expires": expires, "signature": signature}
    changed = {"key": "another", "id": "art_2", "expires": str(int(expires) + 1), "signature": signature[::-1]}
    values[field] = changed[field]
    assert not check(values["key"], values["id"], values["expires"], values["signature"])


@pytest.mark.parametrize("expires", [None, "", "soon", "-1", "1e9", "٣", "9" * 13, "1 "])
def test_strange_times_are_refused(expires: str | None) -> None:
    assert not check(KEY, "art_1", expires, "0" * 64)


@pytest.mark.parametrize("signature", [None, "", "ü" * 64, "\0"])
def test_strange_signatures_are_refused(signature: str | None) -> None:
    assert not check(KEY, "art_1", str(int(SOON.timestamp())), signature)

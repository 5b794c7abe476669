"""The registry keeps up with the manifests that come while it is in use."""

from pathlib import Path

import pytest

from vidgen_models import registry
from vidgen_models.registry import SHIPPED_MANIFESTS, ModelRegistry

SHIPPED = (SHIPPED_MANIFESTS / "sprites-64.toml").read_text()


def test_a_manifest_written_while_the_folders_are_looked_at_is_there_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when folders are stamped after they were listed: tried, the model was never seen."""
    models, stamp = ModelRegistry(tmp_path), registry._stamp

    def written_meanwhile(path: Path) -> tuple[int, int]:
        if not (tmp_path / "late.toml").exists():
            (tmp_path / "late.toml").write_text(SHIPPED.replace('id = "sprites-64"', 'id = "late"'))
        return stamp(path)

    monkeypatch.setattr(registry, "_stamp", written_meanwhile)
    assert "sprites-64" in models.manifests
    assert "late" in models.manifests

"""The control plane of one test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs_fixtures import control_plane
from vidgen.jobs.service import ControlPlane


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    with control_plane(tmp_path) as opened:
        yield opened

"""SIGSTOP at a moment that leaves the database to the others."""

import os
import signal
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from vidgen.jobs.service import ControlPlane


def freeze(plane: ControlPlane, pids: Sequence[int]) -> None:
    """Stop the processes, but not in the middle of a SQLite write, where nobody could write before they go on."""
    while True:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        if plane.engine.dialect.name != "sqlite" or is_writable(plane.settings.data_dir / "vidgen.db"):
            return
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        time.sleep(0.03)


def is_writable(database: Path) -> bool:
    with closing(sqlite3.connect(database, timeout=0.2, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
        return True

"""Promise 4 on the real engine: a clip whose worker or runner was killed midway is the one that nobody interrupted."""

import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.backends import ONE, Backend
from tests.faults.conftest import Say
from tests.faults.counted_engine import LEDGER_VARIABLE
from tests.faults.invariants import check_invariants
from tests.faults.running_service import RunningService, running_service
from tests.faults.worker_process import script_with, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.parametrize("servers", ONE, indirect=True)]

ENGINE = "tests.faults.counted_engine:render"
STEPS, CHUNKS = 6, 4
CLIP: dict[str, Any] = {"model": "tiny", "num_frames": 61, "width": 32, "height": 32, "num_inference_steps": STEPS}
# a step that goes by what it saw before, and an encoder, are struck together with the decoder, as frames stream
CLIP["post"] = [{"step": "normalise-colour"}, {"step": "sharpen"}]
DECODING = STEPS + 3
# four runners load the engine one after the other, which took two minutes each where twenty programs shared two cores
PATIENCE_SECONDS = 600


@dataclass(frozen=True)
class Hit:
    """Where the engine is when it is struck, and whether its worker goes with it. `costs`: chunks made again."""

    chunk: int
    looks: int
    worker_too: bool
    costs: int


HITS = (
    Hit(chunk=1, looks=STEPS // 2, worker_too=True, costs=1),
    Hit(chunk=2, looks=STEPS // 2, worker_too=False, costs=1),
    Hit(chunk=CHUNKS - 1, looks=DECODING, worker_too=True, costs=0),
)


@pytest.mark.timeout(3 * PATIENCE_SECONDS)
def test_the_resumed_clip_is_the_uninterrupted_one(
    on: Backend, tmp_path: Path, tiny_manifests: Path, monkeypatch: pytest.MonkeyPatch, say: Say
) -> None:
    """Worker, then runner, are killed in the middle of a chunk, and the worker again while frames are decoded, go
    through steps and are encoded.

    Fails when chunks lie in the attempt's own folder: tried, chunks were made [4, 4, 3, 2] times; and
    when a chunk's noise follows from what its process has made before: tried, the files differ.
    """
    ledger = tmp_path / "ledger"
    ledger.mkdir()
    monkeypatch.setenv(LEDGER_VARIABLE, str(ledger))
    # long enough for a machine whose other programs let no heartbeat through for seconds
    lease = {"lease_seconds": 8.0, "heartbeat_seconds": 1.0}
    settings = {"model_folders": (tiny_manifests,), "max_attempts": 10, **lease}
    with running_service(on, tmp_path, script=script_with(ENGINE), **settings) as up:
        whole = up.client.wait(up.client.submit("a red cat", **CLIP), seconds=PATIENCE_SECONDS)
        job_id = cut_short(up, ledger)
        cut = up.client.wait(job_id, seconds=PATIENCE_SECONDS)
        assert (whole["status"], cut["status"]) == ("succeeded", "succeeded"), (whole["error"], cut["error"])
        assert (whole["attempts"], cut["attempts"]) == (1, 1 + len(HITS))
        assert computed(ledger, whole["id"]) == [1] * CHUNKS
        again = [sum(hit.costs for hit in HITS if hit.chunk == n) for n in range(CHUNKS)]
        assert computed(ledger, job_id) == [1 + more for more in again]
        assert sha256(whole, "video") == sha256(cut, "video"), "the resumed clip differs from the uninterrupted one"
        assert frames_hash(up, whole) == frames_hash(up, cut)
        check_invariants(up.plane, up.client.accepted)
        say(f"{len(HITS)} kills, {CHUNKS} chunks, {sum(again)} made again; files and frames equal")


def cut_short(up: RunningService, ledger: Path) -> str:
    """Submit the same clip, and strike each time the engine stands where it is to be struck."""
    hold, held = ledger / "hold", ledger / "held"
    (worker,) = up.fleet.workers
    hold.write_text(f"{HITS[0].chunk} {HITS[0].looks}")
    job_id = up.client.submit("a red cat", **CLIP)
    for hit, following in zip(HITS, (*HITS[1:], None), strict=True):
        wait_until(held.exists, PATIENCE_SECONDS, f"{hit}")
        held.unlink()
        if following is None:
            hold.unlink()
        else:
            hold.write_text(f"{following.chunk} {following.looks}")
        if hit.worker_too:
            worker.kill()
            worker.revive()
        else:
            os.kill(worker.family()[1], signal.SIGKILL)
    return job_id


def computed(ledger: Path, job_id: str) -> list[int]:
    """How often each chunk was begun."""
    begun = [int(file.name.partition("-")[0]) for file in (ledger / job_id).iterdir()]
    return [begun.count(n) for n in range(max(begun) + 1)]


def artifact(job: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(it for it in job["artifacts"] if it["kind"] == kind)


def sha256(job: dict[str, Any], kind: str) -> str:
    return str(artifact(job, kind)["sha256"])


def frames_hash(up: RunningService, job: dict[str, Any]) -> Any:
    """The hash of the frames before they were encoded, out of the receipt."""
    key = up.plane.jobs.artifact_key(artifact(job, "receipt")["id"])
    assert key is not None
    return json.loads(up.plane.store.path(key).read_text())["frames"]

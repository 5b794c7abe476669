"""Promise 4 on the real engine: a clip whose worker or runner was killed midway is the one that nobody interrupted."""

import json
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.backends import ONE, Backend
from tests.faults.conftest import Say
from tests.faults.counted_engine import LEDGER_VARIABLE
from tests.faults.invariants import check_invariants
from tests.faults.rounds import fault_rounds, fault_seed, is_long_run
from tests.faults.running_service import RunningService, running_service
from tests.faults.worker_process import script_with, wait_until
from vidgen.longvideo.repair import NUMBERS_APART

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.parametrize("servers", ONE, indirect=True)]

ENGINE = "tests.faults.counted_engine:render"
CLIP: dict[str, Any] = {"model": "tiny", "width": 32, "height": 32, "num_inference_steps": 4, "long": {"rerolls": 1}}
# a step that goes by what it saw before, and an encoder, are struck together with the decoder, as frames stream
STEPS = [{"step": "normalise-colour"}, {"step": "sharpen"}]
# four runners load the engine one after the other, which took two minutes each where twenty programs shared two cores
PATIENCE_SECONDS = 600

Submit = Callable[[], str]
Place = tuple[str, int]
"""A phase of the engine, the number of a chunk while it is made, and how often it has looked for a cancel in it."""


@dataclass(frozen=True)
class Strike:
    """Where the engine is when it is struck, and whether its worker goes with it."""

    place: Place
    worker_too: bool

    @property
    def costs(self) -> Counter[int]:
        """Chunks that are made again for it."""
        return Counter([int(self.place[0])] if self.place[0].isdecimal() else [])


@pytest.mark.timeout(3 * PATIENCE_SECONDS)
def test_the_resumed_clip_is_the_uninterrupted_one(
    on: Backend, tmp_path: Path, tiny_manifests: Path, monkeypatch: pytest.MonkeyPatch, say: Say
) -> None:
    """Worker or runner are killed at places drawn by the seed out of all that the uninterrupted run passed: in chunks,
    in attempts at repairs, while frames are decoded, go through steps and are encoded.

    Fails when chunks lie in the attempt's own folder: tried, a chunk before the strike is made twice; and
    when a chunk's noise follows from what its process has made before: tried, the files differ.
    """
    seed, ledger = fault_seed(), tmp_path / "ledger"
    print(f"VIDGEN_FAULT_SEED={seed} VIDGEN_FAULT_ROUNDS={fault_rounds()}")
    ledger.mkdir()
    monkeypatch.setenv(LEDGER_VARIABLE, str(ledger))
    # long enough for a machine whose other programs let no heartbeat through for seconds
    lease = {"lease_seconds": 8.0, "heartbeat_seconds": 1.0}
    settings = {"model_folders": (tiny_manifests,), "max_attempts": 20, **lease}
    with running_service(on, tmp_path, script=script_with(ENGINE), **settings) as up:
        trial = Trial(up, ledger, random.Random(seed), say, f"seed {seed}")
        clip = trial.holds("a clip with repairs", lambda: up.client.submit("a red cat", num_frames=61, **CLIP))
        assert any(n >= NUMBERS_APART for n in computed(ledger, clip["id"])), "no joint of the clip was repaired"
        take = {"chunk": trial.rng.choice([1, 2, 3]), "seed": 99, "then": trial.rng.choice(["keep", "remake"])}
        trial.holds(f"another take {take}", lambda: up.client.queue(f"/api/v1/jobs/{clip['id']}/retake", take))
        after = {"task": "extend-video", "video": {"artifact_id": artifact(clip, "video")["id"]}, "num_frames": 24}
        trial.holds("an extension", lambda: up.client.submit("a red cat", **CLIP, **after, post=STEPS))
        check_invariants(up.plane, up.client.accepted)


@dataclass(frozen=True)
class Trial:
    """Runs jobs twice, whole and struck, and compares them."""

    up: RunningService
    ledger: Path
    rng: random.Random
    say: Say
    told: str

    def holds(self, kind: str, submit: Submit) -> dict[str, Any]:
        """The job that nobody interrupted, once the one that was struck is the same."""
        whole = self.up.client.wait(submit(), seconds=PATIENCE_SECONDS)
        assert whole["status"] == "succeeded", (kind, whole["error"])
        strikes = drawn(passed(self.ledger, whole["id"]), strikes_of_each(), self.rng)
        told = f"{self.told}, {kind}, struck at {[strike.place for strike in strikes]}"
        print(told)
        cut = struck(self.up, self.ledger, submit, strikes)
        assert cut["status"] == "succeeded", (told, cut["error"])
        assert (whole["attempts"], cut["attempts"]) == (1, 1 + len(strikes)), told
        again = sum((strike.costs for strike in strikes), Counter[int]())
        assert computed(self.ledger, cut["id"]) == computed(self.ledger, whole["id"]) + again, told
        assert sha256(whole, "video") == sha256(cut, "video"), f"{told}: the resumed clip differs from the whole one"
        assert frames_hash(self.up, whole) == frames_hash(self.up, cut), told
        self.say(f"{told}: {again.total()} chunks made again; files and frames equal")
        return dict(whole)


def strikes_of_each() -> int:
    """One in `make test`; the rounds of `make test-faults` are shared out."""
    return max(1, fault_rounds() // 3) if is_long_run() else 1


def drawn(places: Sequence[Place], count: int, rng: random.Random) -> list[Strike]:
    """In order of time, each in another phase: a run that was struck before passes the same places in a later one."""
    last = dict(places)
    order = list(dict.fromkeys(phase for phase, _ in places))
    chosen = sorted(rng.sample(range(len(order)), min(count, len(order))))
    return [Strike((order[n], rng.randint(1, last[order[n]])), worker_too=rng.random() < 0.5) for n in chosen]


def struck(up: RunningService, ledger: Path, submit: Submit, strikes: Sequence[Strike]) -> Any:
    """Submit the same job, and strike each time the engine stands where it is to be struck."""
    hold, held = ledger / "hold", ledger / "held"
    (worker,) = up.fleet.workers
    write_place(hold, strikes[0].place)
    job_id = submit()
    for strike, following in zip(strikes, (*strikes[1:], None), strict=True):
        wait_until(held.exists, PATIENCE_SECONDS, f"{strike}")
        held.unlink()
        if following is None:
            hold.unlink()
        else:
            write_place(hold, following.place)
        if strike.worker_too:
            worker.kill()
            worker.revive()
        else:
            os.kill(worker.family()[1], signal.SIGKILL)
    return up.client.wait(job_id, seconds=PATIENCE_SECONDS)


def write_place(hold: Path, place: Place) -> None:
    # by a rename, so that the engine never reads half of it
    part = hold.with_suffix(".part")
    part.write_text(f"{place[0]}/{place[1]}")
    part.replace(hold)


def passed(ledger: Path, job_id: str) -> list[Place]:
    """Where the engine looked for a cancel, in order of time."""
    lines = (ledger / f"{job_id}.places").read_text().splitlines()
    return [(phase, int(looks)) for phase, _, looks in (line.partition("/") for line in lines)]


def computed(ledger: Path, job_id: str) -> Counter[int]:
    """How often each chunk was begun, attempts at repairs under their own numbers."""
    return Counter(int(file.name.partition("-")[0]) for file in (ledger / job_id).iterdir())


def artifact(job: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(it for it in job["artifacts"] if it["kind"] == kind)


def sha256(job: dict[str, Any], kind: str) -> str:
    return str(artifact(job, kind)["sha256"])


def frames_hash(up: RunningService, job: dict[str, Any]) -> Any:
    """The hash of the frames before they were encoded, out of the receipt."""
    key = up.plane.jobs.artifact_key(artifact(job, "receipt")["id"])
    assert key is not None
    return json.loads(up.plane.store.path(key).read_text())["frames"]

"""Renders for the runner of these tests: no model, each with one habit. Chosen by the first word of the prompt."""

import hashlib
import logging
import os
import secrets
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidgen.errors import Cancelled, MediaError, OutOfMemory
from vidgen.runtime.context import RunContext
from vidgen.spec import Progress, Stage, TextToVideo


@dataclass(frozen=True)
class FakeFile:
    kind: str
    path: Path
    content_type: str
    width: int | None = None
    height: int | None = None
    num_frames: int | None = None
    fps: float | None = None


@dataclass(frozen=True)
class FakeResult:
    files: tuple[FakeFile, ...]


def render(spec: TextToVideo, ctx: RunContext, out_dir: Path, _residency: object) -> FakeResult:
    habit, _, rest = spec.prompt.partition(" ")
    made = HABITS.get(habit, quick)(ctx, rest) or spec.prompt
    video = out_dir / "video.mp4"
    video.write_bytes(f"clip of {made} {spec.seed}".encode())
    (out_dir / "receipt.json").write_text("{}")
    return FakeResult(
        (
            FakeFile("video", video, "video/mp4", 64, 64, 5, 8.0),
            FakeFile("receipt", out_dir / "receipt.json", "application/json"),
        )
    )


def quick(ctx: RunContext, _rest: str) -> None:
    print("a library that prints to stdout must not break the protocol")
    for step in range(4):
        ctx.checkpoint()
        ctx.report(Progress(Stage.DENOISING, step / 4, step, 4, preview=b"\xff\xd8jpeg" if step == 1 else None))


def slow(ctx: RunContext, rest: str) -> None:
    """`slow SECONDS`: a checkpoint every 50 ms."""
    seconds = float(rest or 2)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        ctx.checkpoint()
        ctx.report(Progress(Stage.DENOISING, 1 - left / seconds, 1, 4))
        time.sleep(0.05)


def chunked(ctx: RunContext, rest: str) -> str:
    """`chunked COUNT SECONDS FOLDER`: pieces that each follow from the one before; FOLDER gets a file a computation."""
    import torch  # the other renders start faster without it

    count, seconds, folder = rest.split(" ", 2)
    piece = torch.zeros(32, dtype=torch.uint8)
    for n in range(int(count)):
        stored = ctx.chunks.load(n, rest)
        if stored is None:
            (Path(folder) / f"{n}-{secrets.token_hex(4)}").touch()
            slow(ctx, seconds)
            piece = torch.frombuffer(bytearray(hashlib.sha256(bytes(piece.tolist())).digest()), dtype=torch.uint8)
            ctx.chunks.commit(n, rest, {"piece": piece}, seed=n)
        else:
            piece = stored["piece"]
    return bytes(piece.tolist()).hex()


def large(_ctx: RunContext, rest: str) -> str:
    """`large BYTES`: a clip of that size."""
    return "x" * int(rest)


def deaf(_ctx: RunContext, _rest: str) -> None:
    """Never looks at the cancel, but dies by SIGTERM."""
    time.sleep(60)


def hangs(ctx: RunContext, _rest: str) -> None:
    """Says that it has begun, and nothing more."""
    ctx.report(Progress(Stage.DENOISING, 0.1, 1, 4))
    time.sleep(3600)


def stubborn(ctx: RunContext, _rest: str) -> None:
    """Neither looks at the cancel nor minds SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ctx.report(Progress(Stage.DENOISING, 0.1, 1, 4))
    end = time.monotonic() + 60
    while time.monotonic() < end:
        time.sleep(1)


def parting(ctx: RunContext, _rest: str) -> None:
    """Closes its pipe at the cancel, and stays for a while: what the end of any process looks like, drawn out."""
    try:
        slow(ctx, "60")
    except Cancelled:
        os.closerange(3, 256)
        time.sleep(60)


def suicidal(_ctx: RunContext, _rest: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def assassin(_ctx: RunContext, _rest: str) -> None:
    """Takes its worker with it."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


def once(_ctx: RunContext, rest: str) -> None:
    """`once FILE`: dies the first time."""
    if not Path(rest).exists():
        Path(rest).touch()
        os.kill(os.getpid(), signal.SIGKILL)


def memory(_ctx: RunContext, _rest: str) -> None:
    raise OutOfMemory("does not fit: ask for fewer frames")


def traced(ctx: RunContext, _rest: str) -> None:
    """Says every stage of a real render, and writes a log line as the engine's libraries do."""
    logging.getLogger(__name__).warning("rendering")
    for n, stage in enumerate((Stage.LOADING, Stage.ENCODING, Stage.DENOISING, Stage.DECODING, Stage.PUBLISHING)):
        ctx.report(Progress(stage, n / 5))


def broken(_ctx: RunContext, _rest: str) -> None:
    raise MediaError("the clip cannot be read")


def buggy(_ctx: RunContext, _rest: str) -> None:
    raise ZeroDivisionError("/secret/path/of/this/machine")


def exits(_ctx: RunContext, _rest: str) -> None:
    sys.exit(3)


HABITS: dict[str, Any] = {
    name: globals()[name]
    for name in (
        "quick",
        "slow",
        "deaf",
        "hangs",
        "stubborn",
        "parting",
        "suicidal",
        "assassin",
        "chunked",
        "large",
        "once",
        "memory",
        "traced",
        "broken",
        "buggy",
        "exits",
    )
}

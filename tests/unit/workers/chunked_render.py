"""A fake render in chunks, and one that needs room. The prompt is `chunks N LOG [die-at M MARK] [SECONDS]` or `roomy`.

Each computed chunk is a line in LOG, so that tests can count what was computed twice.
"""

import os
import signal
import time
from pathlib import Path

import torch

from tests.faults.fake_renders import FakeFile, FakeResult
from vidgen.errors import OutOfMemory
from vidgen.runtime.context import RunContext
from vidgen.spec import MemoryTier, Progress, Stage, TextToVideo


def render(spec: TextToVideo, ctx: RunContext, out_dir: Path, _residency: object) -> FakeResult:
    words = spec.prompt.split()
    if words[0] == "roomy":
        if ctx.memory_tier is MemoryTier.FULL:
            raise OutOfMemory("does not fit")
        parts = [torch.zeros(1)]
    else:
        parts = _chunks(spec, ctx, int(words[1]), Path(words[2]), words[3:])
    video = out_dir / "video.mp4"
    video.write_bytes(b"".join(part.numpy().tobytes() for part in parts))
    frames = 5 * len(parts)
    return FakeResult((FakeFile("video", video, "video/mp4", 64, 64, frames, 8.0),))


def _chunks(spec: TextToVideo, ctx: RunContext, number: int, log: Path, rest: list[str]) -> list[torch.Tensor]:
    parts: list[torch.Tensor] = []
    for n in range(number):
        ctx.checkpoint()
        kept = ctx.chunks.load(n, f"{spec.seed}")
        if kept is None:
            with log.open("a") as lines:
                lines.write(f"{n}\n")
            if rest[:1] == ["die-at"] and n == int(rest[1]) and not Path(rest[2]).exists():
                Path(rest[2]).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            generator = torch.Generator().manual_seed((spec.seed or 0) * 100 + n)
            kept = {"latents": torch.randn(64, generator=generator)}
            ctx.chunks.commit(n, f"{spec.seed}", kept, seed=n)
        parts.append(kept["latents"])
        ctx.report(Progress(Stage.DENOISING, (n + 1) / number, n + 1, number))
        if rest[:1] == ["pause"]:
            time.sleep(float(rest[1]))
        if ctx.stop_requested():
            break
    return parts

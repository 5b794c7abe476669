"""The machine as the engine sees it: torch's build, CPU, CUDA, codecs."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vidgen.doctor.finding import Finding, ok, problem, warning

PROBE_SECONDS = 120.0
CPU_INFO = Path("/proc/cpuinfo")
NVIDIA = Path("/dev/nvidiactl")
REINSTALL_TORCH = "reinstall the torch version that vidgen asks for; CPU builds have an index of their own"


def check_engine() -> Iterator[Finding]:
    yield from check_cpu()
    command = [sys.executable, "-m", "vidgen.doctor.engine_probe"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        yield problem("torch", f"did not load within {PROBE_SECONDS:.0f} s", "look at the load and memory of this host")
        return
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        yield problem("torch", f"loading it ended the process (exit code {done.returncode})", REINSTALL_TORCH)
        return
    yield from findings_of(json.loads(lines[-1]))


def findings_of(found: dict[str, Any]) -> Iterator[Finding]:
    """What the answer of the probe means."""
    for name, error in found["broken"].items():
        remedy = REINSTALL_TORCH if name == "torch" else "pip install --force-reinstall av"
        yield problem(name, error.splitlines()[0], remedy)
    if "torch" in found:
        yield from _torch(found["torch"])
    if "codecs" in found:
        yield _codecs(found["codecs"])


def check_cpu() -> Iterator[Finding]:
    """Cores that this process may use, and the vector instructions that decide about speed."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    flags = _flags()
    if not flags:
        yield ok("CPU", f"{cores} cores")
        return
    best = next((name for name in ("avx512f", "avx2", "asimd") if name in flags), None)
    if best is None:
        yield warning("CPU", f"{cores} cores without AVX2", "expect clips to take several times as long")
    else:
        yield ok("CPU", f"{cores} cores, {best}")


def _flags() -> frozenset[str]:
    lines = CPU_INFO.read_text().splitlines() if CPU_INFO.exists() else []
    line = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return frozenset(line.partition(":")[2].split())


def _torch(torch: dict[str, Any]) -> Iterator[Finding]:
    build = f"CUDA {torch['built_for_cuda']}" if torch["built_for_cuda"] else "CPU"
    yield ok("torch", f"{torch['version']} ({build} build), {torch['threads']} threads")
    if torch["cuda"]:
        yield ok("CUDA", "; ".join(torch["devices"]))
    elif NVIDIA.exists() and not torch["built_for_cuda"]:
        yield warning("CUDA", "there is an NVIDIA device, and torch is a CPU build", "install torch's CUDA build")
    elif NVIDIA.exists():
        yield warning("CUDA", "there is an NVIDIA device that torch cannot use", "update the driver; see nvidia-smi")
    else:
        yield ok("CUDA", "no device; clips are made on the CPU")


def _codecs(missing: list[str]) -> Finding:
    if missing:
        remedy = "pip install --force-reinstall --only-binary av av (its wheel carries FFmpeg with these)"
        return problem("codecs", "missing: " + ", ".join(missing), remedy)
    return ok("codecs", "H.264 is written; H.264, HEVC, VP8, VP9 and AV1 are read")

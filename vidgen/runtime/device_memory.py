"""What this machine's device can hold for one job.

Asks the system and not torch, which the worker process never loads.
"""

import contextlib
import os
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

MEGABYTE = 1 << 20
# of a machine's memory, what is left when the system, the web process and the worker itself have theirs
CPU_SHARE = 0.85
# of a device's memory, what is left beside the driver's context
CUDA_SHARE = 0.95
SMI_SECONDS = 10.0
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def found_device() -> tuple[str, int | None]:
    """`cuda` or `cpu`, and its megabytes where they can be told."""
    on_device = _cuda_megabytes()
    if on_device is not None:
        return "cuda", int(on_device * CUDA_SHARE)
    on_machine = _machine_megabytes()
    return "cpu", None if on_machine is None else int(on_machine * CPU_SHARE)


def _cuda_megabytes() -> int | None:
    """Memory of the first CUDA device, where torch can use one."""
    program = shutil.which("nvidia-smi")
    if program is None or os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1") or _is_cpu_torch():
        return None
    query = [program, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=SMI_SECONDS, check=True)
        return int(done.stdout.splitlines()[0])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


def _is_cpu_torch() -> bool:
    try:
        return version("torch").endswith("+cpu")
    except PackageNotFoundError:
        return True


def _machine_megabytes() -> int | None:
    """The machine's memory, or what this container may have of it."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None
    with contextlib.suppress(OSError, ValueError):  # no container, or one without a limit ("max")
        total = min(total, int(CGROUP_LIMIT.read_text()))
    return total // MEGABYTE

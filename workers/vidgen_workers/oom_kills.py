"""How often the kernel has killed a process of ours for want of memory: a runner that ends so says nothing itself."""

from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")
MACHINE = Path("/proc/vmstat")


def oom_kills() -> int | None:
    """The kernel's count for this process's control group, else for the machine; None where there is neither."""
    return _count(_cgroup_events()) if _cgroup_events() is not None else _count(MACHINE)


def _cgroup_events() -> Path | None:
    try:
        line = OWN_CGROUP.read_text().splitlines()[-1]
    except (OSError, IndexError):
        return None
    events = CGROUPS / line.rpartition(":")[2].lstrip("/") / "memory.events"
    return events if events.is_file() else None


def _count(file: Path | None) -> int | None:
    try:
        lines = [] if file is None else file.read_text().splitlines()
    except OSError:
        return None
    found = dict(line.split() for line in lines)
    return int(found["oom_kill"]) if "oom_kill" in found else None

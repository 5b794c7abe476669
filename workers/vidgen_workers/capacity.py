"""What this worker's device can hold."""

from vidgen.jobs.settings import Settings
from vidgen.jobs.views import Capacity
from vidgen.runtime.device_memory import found_device


def capacity(settings: Settings) -> Capacity:
    """Device and megabytes for one job; the operator's word counts where there is one."""
    device, megabytes = found_device()
    return Capacity(device, settings.worker_memory_mb or megabytes)

"""What fits where: a clip's need by its model's memory table, and a worker's capacity. Knows no tables of jobs."""

from collections.abc import Mapping
from typing import Any

from vidgen.jobs.views import Capacity

FULL, LOW = "full", "low"
TIERS = (FULL, LOW)


def tier_for(need: Mapping[str, Any] | None, tier: int, capacity: Capacity) -> int:
    """The tier at which a job runs on such a worker: its own, or the lower one where only that fits."""
    full = (need or {}).get(capacity.device, {}).get(FULL)
    if full is None or capacity.memory_mb is None or full <= capacity.memory_mb:
        return tier
    return max(tier, TIERS.index(LOW))

"""Which failures are tried again, and when. Knows numbers only, no tables."""

import random

from vidgen.spec import MemoryTier

OUT_OF_MEMORY = "out_of_memory"
FIRST_DELAY_SECONDS = 2.0
LONGEST_DELAY_SECONDS = 60.0


def may_retry(code: str, *, retryable: bool, used: int, max_attempts: int, memory_tier: int = MemoryTier.FULL) -> bool:
    """Whether a job that failed with `code` on its `used`-th counted attempt gets another one."""
    if code == OUT_OF_MEMORY and memory_tier == MemoryTier.LOW:
        return False  # it has had as little memory as it can do with, and a second time would end like the first
    return retryable and used < max_attempts


def retry_delay(used: int) -> float:
    """Seconds before the next attempt: 2, 4, 8, … 60, each times 0.5 to 1 so that failures do not march in step."""
    full = min(FIRST_DELAY_SECONDS * 2.0 ** (used - 1), LONGEST_DELAY_SECONDS)
    return full * random.uniform(0.5, 1.0)

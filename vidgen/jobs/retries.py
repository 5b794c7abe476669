"""Which failures are tried again, and when. Knows numbers only, no tables."""

import random

# a second run out of memory says that the clip does not fit, whatever the number of attempts allowed
OUT_OF_MEMORY_ATTEMPTS = 2
FIRST_DELAY_SECONDS = 2.0
LONGEST_DELAY_SECONDS = 60.0


def may_retry(code: str, *, retryable: bool, used: int, max_attempts: int) -> bool:
    """Whether a job that failed with `code` on its `used`-th counted attempt gets another one."""
    allowed = min(max_attempts, OUT_OF_MEMORY_ATTEMPTS) if code == "out_of_memory" else max_attempts
    return retryable and used < allowed


def retry_delay(used: int) -> float:
    """Seconds before the next attempt: 2, 4, 8, … 60, each times 0.5 to 1 so that failures do not march in step."""
    full = min(FIRST_DELAY_SECONDS * 2.0 ** (used - 1), LONGEST_DELAY_SECONDS)
    return full * random.uniform(0.5, 1.0)

"""How many processes make this clip together, as `torchrun` tells each. Loads no torch."""

import os


def process_count() -> int:
    """1 where a process is alone."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this process is the one that delivers what all of them make."""
    return int(os.environ.get("RANK", "0")) == 0

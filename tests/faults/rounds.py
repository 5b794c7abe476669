"""How long the fault suite runs, and with which seed: a short form in `make test`, a long one in `make test-faults`."""

import os
import random

SEED_VARIABLE, ROUNDS_VARIABLE = "VIDGEN_FAULT_SEED", "VIDGEN_FAULT_ROUNDS"
SHORT_ROUNDS = 6


def fault_seed() -> int:
    """VIDGEN_FAULT_SEED, or one drawn at random; tests print it, so that any run can be repeated."""
    return int(os.environ.get(SEED_VARIABLE) or random.SystemRandom().randrange(1_000_000))


def is_long_run() -> bool:
    """Whether the number of rounds was asked for, as `make test-faults` does."""
    return ROUNDS_VARIABLE in os.environ


def fault_rounds() -> int:
    return int(os.environ.get(ROUNDS_VARIABLE) or SHORT_ROUNDS)

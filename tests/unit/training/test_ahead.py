"""Batches drawn ahead are those that their numbers say, in their order, whoever draws them."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest

from training.ahead import batches


@dataclass(frozen=True)
class Numbers:
    """Draws `size` random numbers, or nothing at all."""

    size: int

    def load(self) -> Callable[[np.random.Generator], np.ndarray]:
        if not self.size:
            raise ValueError("nothing to draw")
        return lambda rng: rng.uniform(size=self.size)


def test_without_processes_one_stream_is_drawn_from() -> None:
    """Fails when every batch begins the stream anew: tried."""
    drawn = np.concatenate(list(islice(batches(Numbers(3), (1, 2), 0), 4)))
    assert np.array_equal(drawn, np.random.default_rng((1, 2)).uniform(size=12))


def test_processes_give_batches_in_their_order_each_with_numbers_of_its_own() -> None:
    """Fails when the first that is done is given first, or the seed is left out: tried."""
    drawn = batches(Numbers(3), (1, 2), 2)
    found = list(islice(drawn, 7))
    drawn.close()
    assert np.array_equal(found, [np.random.default_rng((1, 2, n)).uniform(size=3) for n in range(7)])


def test_a_process_that_cannot_draw_ends_the_training() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        next(batches(Numbers(0), (1,), 1))

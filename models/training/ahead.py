"""Batches that are drawn while others are learnt: by processes of their own, so that a GPU does not wait for pictures.

Without such processes a batch is drawn when it is asked for, out of one stream of random numbers.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Protocol, TypeVar

import cv2
import numpy as np

T_co = TypeVar("T_co", covariant=True)
WAITING = 2  # batches a process


class Source(Hashable, Protocol[T_co]):
    """What a process must be told to draw batches; small, because it goes there with every one of them."""

    def load(self) -> Callable[[np.random.Generator], T_co]:
        """Reads sprites and the like, once a process, and returns what draws a batch."""
        ...


def batches(source: Source[T_co], seed: tuple[int, ...], processes: int) -> Iterator[T_co]:
    """Without an end. With `processes` batch n has random numbers of its own, out of `seed` and n."""
    if not processes:
        draw, rng = source.load(), np.random.default_rng(seed)
        while True:
            yield draw(rng)
    # a process that has touched CUDA cannot be forked
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        try:
            waiting = deque(pool.submit(_drawn, source, (*seed, n)) for n in range(WAITING * processes))
            number = len(waiting)
            while True:
                yield waiting.popleft().result()
                waiting.append(pool.submit(_drawn, source, (*seed, number)))
                number += 1
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _drawn(source: Source[T_co], seed: tuple[int, ...]) -> T_co:
    return _loaded(source)(np.random.default_rng(seed))


@functools.cache
def _loaded(source: Source[T_co]) -> Callable[[np.random.Generator], T_co]:
    cv2.setNumThreads(1)  # the processes share the cores
    return source.load()

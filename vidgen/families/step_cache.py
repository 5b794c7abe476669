"""Steps that begin like the one before take over the rest of its change: diffusers' first-block cache.

The first block is computed at every step; where its residual differs from the last computed one's by less than a share,
the change that all further blocks made then is taken again. Only for networks whose identical input was seen to give
identical output (`tests/unit/families/test_step_cache.py`).
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from diffusers import FirstBlockCacheConfig

from vidgen.runtime.kept_results import content_key


@contextmanager
def taking_over(networks: Sequence[Any], share: float | None) -> Iterator[None]:
    """While it lasts; nothing is done without a `share`."""
    if share is None:
        yield
        return
    with ExitStack() as stack:
        for network in networks:
            stack.enter_context(_cached(network, share))
        yield


@contextmanager
def _cached(network: Any, share: float) -> Iterator[None]:
    """Each text has its own step before: not every pipeline tells its conditional pass from the other one."""
    plain = network.forward

    def forward(*positional: Any, **named: Any) -> Any:
        with network.cache_context(content_key(named.get("encoder_hidden_states"))):
            return plain(*positional, **named)

    network.enable_cache(FirstBlockCacheConfig(threshold=share))
    network.forward = forward
    try:
        yield
    finally:
        network.forward = plain
        network.disable_cache()

"""How many event streams are open, and whose. Each holds one of the server's threads."""

import threading
from collections import Counter


class StreamSlots:
    """`total` streams at once. Where tenants share them, one may open another only while it has fewer than are free:
    so none ever has the last one, and of n that want many each gets the (n + 1)-th part of all.
    """

    def __init__(self, total: int, *, shared: bool) -> None:
        self._total = total
        self._shared = shared
        self._open: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, tenant: str) -> bool:
        """Whether the tenant may open a stream; then it counts as open."""
        with self._lock:
            free = self._total - self._open.total()
            allowed = self._open[tenant] < free if self._shared else free > 0
            self._open[tenant] += allowed
            return allowed

    def give_back(self, tenant: str) -> None:
        with self._lock:
            self._open[tenant] -= 1

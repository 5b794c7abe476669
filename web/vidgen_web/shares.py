"""How much of what is slow goes on at once, and whose. Each of it holds one of the server's threads."""

import threading
from collections import Counter


class Shares:
    """`total` at once. Where tenants share them, one may take another only while it holds fewer than are free: so none
    ever has the last one, and of n that want many each gets the (n + 1)-th part of all.
    """

    def __init__(self, total: int, *, shared: bool) -> None:
        self._total = total
        self._shared = shared
        self._held: Counter[str] = Counter()
        self._changed = threading.Condition()

    def take(self, tenant: str, seconds: float = 0.0) -> bool:
        """Whether the tenant may have one more, now or within so many seconds; then it holds it."""
        with self._changed:
            allowed = self._changed.wait_for(lambda: self._may(tenant), seconds)
            self._held[tenant] += allowed
            return allowed

    def give_back(self, tenant: str) -> None:
        with self._changed:
            self._held[tenant] -= 1
            # not one alone: whom it wakes may have its share already
            self._changed.notify_all()

    def _may(self, tenant: str) -> bool:
        free = self._total - self._held.total()
        return self._held[tenant] < free if self._shared else free > 0

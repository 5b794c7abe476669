"""Equal specs have equal hashes, whatever the order of their fields."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def spec_hash(fields: Mapping[str, Any]) -> str:
    """sha256 of a spec's JSON."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()

"""The number of an invisible mark as bits with a check, so that what no mark was put into is not taken for one."""

import hashlib

import numpy as np
from numpy.typing import NDArray

DIGITS, CHECK = 8, 24
BITS = 4 * DIGITS + CHECK
Bits = NDArray[np.uint8]


def bits_of(message: str) -> Bits:
    """`message` is 8 hexadecimal digits; 24 bits of their SHA-256 follow them."""
    content = bytes.fromhex(message)
    return np.unpackbits(np.frombuffer(content + _check(content), np.uint8))


def message_in(bits: Bits) -> str | None:
    """None where the check says that this is no message: of random bits one in 2^24 passes."""
    written = np.packbits(bits).tobytes()
    content, check = written[: DIGITS // 2], written[DIGITS // 2 :]
    return content.hex() if check == _check(content) else None


def _check(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[: CHECK // 8]

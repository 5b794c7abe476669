"""Whether a safetensors file is one, and whole: its header against its size, before any library reads it.

Such a file is the length of its header in 8 bytes, the header as JSON (of each tensor kind, shape and place), and the
tensors one after the other (https://github.com/huggingface/safetensors, section Format). Loads no torch.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vidgen.errors import ModelError

LENGTH_BYTES = 8
# real headers have some hundred kilobytes; a parser may need many times the size of what it is given
MAX_HEADER_BYTES = 16 << 20
ABOUT = "__metadata__"
BITS: Mapping[str, int] = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
    **{"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6},
}
"""Of a number of each kind."""


def check_safetensors(file: Path, name: str) -> None:
    """Raises ModelError for a file that is shorter than its header says, or (code unsafe_model) has no sound one."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        announced = int.from_bytes(stream.read(LENGTH_BYTES), "little")
        first = stream.read(1)
        if announced > MAX_HEADER_BYTES or first not in (b"{", b""):
            raise _damaged(name)
        _check_length(name, size, LENGTH_BYTES + announced)
        header = _header(first + stream.read(max(announced - 1, 0)), name)
    said = LENGTH_BYTES + announced + _end(header, name)
    _check_length(name, size, said)
    if size > said:
        raise _damaged(name)


def _check_length(name: str, size: int, least: int) -> None:
    if size < least:
        raise ModelError(
            f"{name}: cut off, {size} of at least {least} bytes are there; its download was interrupted, "
            "download it again"
        )


def _header(text: bytes, name: str) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(name) from error
    about = header.pop(ABOUT, {}) if isinstance(header, dict) else None
    if not isinstance(about, dict) or not all(isinstance(value, str) for value in about.values()):
        raise _damaged(name)
    return header  # type: ignore[no-any-return]


def _end(header: Mapping[str, Any], name: str) -> int:
    """How many bytes the tensors take, which follow each other without a gap."""
    end = 0
    for begin, stop in sorted(_place(told, name) for told in header.values()):
        if begin != end:
            raise _damaged(name)
        end = stop
    return end


def _place(told: Any, name: str) -> tuple[int, int]:
    """Where a tensor begins and ends, which must be as far apart as its shape takes."""
    try:
        kind, shape, (begin, stop) = told["dtype"], told["shape"], told["data_offsets"]
        bits = BITS[kind] * math.prod(shape)
        sound = all(isinstance(it, int) and it >= 0 for it in (*shape, begin, stop))
    except (TypeError, LookupError, ValueError) as error:
        raise _damaged(name) from error
    if not sound or 8 * (stop - begin) != bits:
        raise _damaged(name)
    return begin, stop


def _damaged(name: str) -> ModelError:
    return ModelError(
        f"{name}: not a safetensors file, or one with a damaged header; download it again", code="unsafe_model"
    )

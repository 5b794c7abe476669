"""`python -m vidgen.doctor.engine_probe`: loads torch and the codecs and says as JSON what they can do.

A process of its own: a broken CUDA library ends whoever loads it, and that should not be the doctor.
"""

import json
from importlib import import_module
from typing import Any


def probe() -> dict[str, Any]:
    """What there is; a part that cannot be loaded is named under `broken` with the kind of its error."""
    found: dict[str, Any] = {"broken": {}}
    for name, look in (("torch", _torch), ("codecs", _codecs)):
        try:
            found[name] = look()
        except Exception as error:
            found["broken"][name] = f"{type(error).__name__}: {error}"
    return found


def _torch() -> dict[str, Any]:
    torch: Any = import_module("torch")
    cuda = torch.cuda.is_available()
    devices = [torch.cuda.get_device_properties(n) for n in range(torch.cuda.device_count())] if cuda else []
    return {
        "version": torch.__version__,
        "built_for_cuda": torch.version.cuda,
        "cuda": cuda,
        "devices": [f"{device.name}, {device.total_memory >> 20} MB" for device in devices],
        "threads": torch.get_num_threads(),
    }


def _codecs() -> list[str]:
    return list(import_module("vidgen.media.codecs").missing_codecs())


if __name__ == "__main__":
    print(json.dumps(probe()))

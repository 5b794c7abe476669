"""IP-Adapter (arXiv:2308.06721): a picture whose subject or style a network takes over, beside the text.

Its weights lie in the model's folder as `ip_adapter/NAME.safetensors`, in its authors' names.
"""

from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from vidgen.errors import ModelError

FOLDER = "ip_adapter"
PARTS = ("image_proj", "ip_adapter")


def adapter_file(folder: Path) -> Path | None:
    """The adapter's file; None where there is none. Raises ModelError where there are several."""
    files = sorted((folder / FOLDER).glob("*.safetensors"))
    if len(files) > 1:
        raise ModelError(f"{FOLDER}: holds {len(files)} files; one adapter at a time, keep one")
    return files[0] if files else None


def put_in(pipeline: Any, file: Path) -> None:
    """Let the pipeline's network look at a picture. Raises ModelError where the file is no such adapter's."""
    tensors = load_file(file)
    parts: dict[str, dict[str, Tensor]] = {
        part: {name.removeprefix(f"{part}."): value for name, value in tensors.items() if name.startswith(f"{part}.")}
        for part in PARTS
    }
    try:
        pipeline.load_ip_adapter(parts, subfolder="", weight_name="")
    except (LookupError, RuntimeError, ValueError) as error:
        raise ModelError(f"{file.name}: does not fit this model's network ({type(error).__name__})") from error


def take_out(pipeline: Any) -> None:
    """The network as it was, where an adapter is in it."""
    if pipeline.unet.encoder_hid_proj is not None:
        pipeline.unload_ip_adapter()

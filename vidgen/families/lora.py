"""LoRAs (Hu et al. 2021, arXiv:2106.09685) put into a pipeline for one run, and taken out again."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from safetensors.torch import load_file

from vidgen.errors import ModelError
from vidgen.families.merged_lora import checked_lora
from vidgen.spec.advanced import LoraUse
from vidgen_models.loras import LoraManifest


@contextmanager
def adapted(pipeline: Any, uses: Sequence[LoraUse], known: Mapping[str, LoraManifest]) -> Iterator[None]:
    """The networks with all LoRAs asked for, each by its weight; without them when the run is over, however it ends.

    Raises ModelError for one that is gone, changed, or made for another network.
    """
    try:
        # names of our own, as the library's may hold no dot
        for n, use in enumerate(uses):
            _load(pipeline, f"lora_{n}", use.id, known)
        if uses:
            pipeline.set_adapters([f"lora_{n}" for n in range(len(uses))], [use.weight for use in uses])
        yield
    finally:
        if uses:
            pipeline.unload_lora_weights()


def _load(pipeline: Any, name: str, lora_id: str, known: Mapping[str, LoraManifest]) -> None:
    lora = checked_lora(lora_id, known)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Already found a `peft_config`")  # several at once are meant
            pipeline.load_lora_weights(load_file(lora.path), adapter_name=name)
    except (ValueError, RuntimeError, LookupError) as error:
        raise ModelError(f"lora={lora_id}: does not fit this model's network ({type(error).__name__})") from error
    if name not in {found for part in pipeline.get_list_adapters().values() for found in part}:
        raise ModelError(f"lora={lora_id}: changes nothing in this model's network; it was made for another")

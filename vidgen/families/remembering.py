"""A pipeline's text encoders, picture encoders and autoencoder that remember what they encoded, from job to job."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from vidgen.runtime.kept_results import KeptResults, content_key

ENCODERS = {
    "text_encoder": "forward",
    "text_encoder_2": "forward",
    "image_encoder": "forward",
    "vae": "encode",
}
"""What of a pipeline is remembered, and by which of its methods it encodes."""


@contextmanager
def remembering(parts: Mapping[str, Any], kept: KeptResults, state: str) -> Iterator[None]:
    """While it lasts, nothing is encoded that was encoded before in the same `state` of the networks.

    `state` names whatever changes them for a run, such as LoRAs. Put it on after what moves networks to a device:
    a network that remembers need not be moved.
    """
    watched = [(parts[name], name, method) for name, method in ENCODERS.items() if parts.get(name) is not None]
    before = [network.__dict__.get(method) for network, _, method in watched]
    for network, name, method in watched:
        setattr(network, method, _remembered(getattr(network, method), f"{name}/{state}", kept))
    try:
        yield
    finally:
        for (network, _, method), own in zip(watched, before, strict=True):
            if own is None:
                delattr(network, method)
            else:
                setattr(network, method, own)


def _remembered(encode: Callable[..., Any], name: str, kept: KeptResults) -> Callable[..., Any]:
    def remembered(*positional: Any, **named: Any) -> Any:
        key = content_key(name, positional, dict(sorted(named.items())))
        return kept.get(key, lambda: encode(*positional, **named))

    return remembered

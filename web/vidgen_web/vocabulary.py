"""Which words of a prompt a small model was never taught. Knows manifests and texts, no requests."""

import re
from collections.abc import Iterable

from vidgen_models.registry import Manifest

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def unknown_words(manifest: Manifest, prompts: Iterable[str]) -> tuple[str, ...]:
    """Words that the model's tokenizer does not hold, in their order; nothing for models that take any word."""
    known = manifest.words()
    if not known:
        return ()
    told = (word for prompt in prompts for word in WORD.findall(prompt))
    return tuple(dict.fromkeys(word for word in told if word.lower() not in known))

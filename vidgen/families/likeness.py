"""A folder whose networks have the shape of another model's: what that model was found to be able to holds for it too.

A folder in the diffusers layout says nothing of sizes, windows and words that its weights were trained on, so that
someone who trains a known network anew would have to say all of it once more.
"""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from vidgen.errors import ModelError
from vidgen.families.installation import distilled, without_loras
from vidgen.spec import ModelRules
from vidgen_models.registry import Manifest

LEARNT = ("latents_mean", "latents_std", "vocab_size")
"""What training and its words write into configurations; everything else in them is shape."""
NOTHING = "nothing"
"""Of a key that is missing, or null: which of both is written differs with the library's version."""


def like(made: Manifest, other: Manifest) -> Manifest:
    """`made` with the rules and costs of `other`. Raises ModelError naming what differs in their networks' shapes."""
    if made.family != other.family:
        raise ModelError(f"like={other.id}: it is of the family {other.family}, and {made.id} of {made.family}")
    for name in sorted({*_networks(other), *_networks(made)}):
        wanted, found = _shape(other, name), _shape(made, name)
        for key in sorted(wanted | found):
            its, theirs = wanted.get(key, NOTHING), found.get(key, NOTHING)
            if its != theirs:
                raise ModelError(f"like={other.id}: its {name} has {key}={its}, that of {made.id} {theirs}")
    taken: dict[str, Any] = {name: getattr(other, name) for name in ("text_length", "seconds_per_step")}
    if made.weights == other.weights:
        taken["memory"] = other.memory
    return made.model_copy(update=taken | {"rules": _rules(made, other)})


def _rules(made: Manifest, other: Manifest) -> ModelRules:
    """The other's, with what was said of this one: that it was distilled, or that its weights are rounded."""
    rules = distilled(other.rules, made.rules.steps.default) if made.rules.distilled else other.rules
    return rules if made.weights == "own" else without_loras(rules)


def _networks(model: Manifest) -> list[str]:
    """Components whose weights are safetensors."""
    return sorted(
        file.parent.name for file in model.path.glob("*/config.json") if any(file.parent.glob("*.safetensors"))
    )


def _shape(model: Manifest, component: str) -> dict[str, str]:
    """What a component's configuration says, without what is learnt and what the libraries note of themselves."""
    file = model.path / component / "config.json"
    told: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    left_out = (*LEARNT, "transformers_version", "dtype", "torch_dtype")
    return {
        key: json.dumps(value)
        for key, value in told.items()
        if value is not None and not key.startswith("_") and key not in left_out
    }


def installed_like(wanted: str, installed: Mapping[str, Manifest]) -> Manifest:
    """Raises ModelError (code unknown_model) naming the nearest id and all there are."""
    if wanted in installed:
        return installed[wanted]
    near = get_close_matches(wanted.lower(), installed, 1)
    told = f"like={wanted}: not installed; installed are {', '.join(sorted(installed))}"
    raise ModelError(f"{told}; nearest: {near[0]}" if near else told, code="unknown_model")

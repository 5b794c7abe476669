"""What a model does not take at all, refused by name: text, pictures along the way, a negative prompt."""

from collections.abc import Mapping
from typing import Any

from vidgen.errors import SpecError
from vidgen.spec.advanced import check_advanced
from vidgen.spec.job import ImageToVideo, SamplingFields, VideoToVideo
from vidgen.spec.prompt_weights import has_weights, weighted_text
from vidgen.spec.region import check_regions
from vidgen.spec.rules import ModelRules


def check_offers(spec: SamplingFields, rules: ModelRules) -> None:
    """Raises SpecError naming the field that this model would ignore, or that it cannot do without."""
    if spec.negative_prompt and not rules.negative_prompt:
        raise SpecError(f"negative_prompt: {spec.model} ignores it; leave it empty", field="negative_prompt")
    if spec.prompt and not rules.prompt:
        raise SpecError(f"prompt: {spec.model} takes no text; leave it empty", field="prompt")
    if spec.regions and not rules.regions:
        raise SpecError(f"regions: {spec.model} takes one prompt for the whole frame; leave them out", field="regions")
    check_regions(spec.regions)
    _check_weights(spec, rules)
    if rules.distilled and spec.guidance_scale not in (None, 1.0):
        raise SpecError(
            f"guidance_scale={spec.guidance_scale:g}: {spec.model} was distilled and takes no guidance; nearest is 1",
            field="guidance_scale",
            nearest=(1.0,),
        )
    check_advanced(spec.model, spec.advanced, rules)
    if spec.keyframes and not rules.keyframes:
        raise SpecError(f"keyframes: {spec.model} is not led by pictures; leave them out", field="keyframes")
    if spec.advanced is not None and spec.advanced.free_init is not None and isinstance(spec, VideoToVideo):
        raise SpecError("advanced.free_init: belongs to text-to-video; leave it out", field="advanced.free_init")
    if isinstance(spec, ImageToVideo):
        _check_last_image(spec.model, spec.last_image, rules)


def texts_of(spec: SamplingFields) -> Mapping[str, str]:
    """Every text of the spec that is not empty, by the name of its field."""
    found = {"prompt": spec.prompt, "negative_prompt": spec.negative_prompt}
    found |= {f"segments.{n}.prompt": segment.prompt for n, segment in enumerate(spec.segments)}
    takes = () if spec.long is None else spec.long.takes
    found |= {f"long.takes.{n}.prompt": take.prompt or "" for n, take in enumerate(takes)}
    found |= {f"regions.{n}.prompt": region.prompt for n, region in enumerate(spec.regions)}
    return {field: text for field, text in found.items() if text}


def _check_weights(spec: SamplingFields, rules: ModelRules) -> None:
    for field, text in texts_of(spec).items():
        if rules.weighted_prompts:
            weighted_text(text, field)
        elif has_weights(text):
            raise SpecError(f"{field}: {spec.model} takes no weights; write the words alone", field=field)


def _check_last_image(model: str, last_image: Any, rules: ModelRules) -> None:
    if last_image is not None and rules.last_image == "no":
        raise SpecError(f"last_image: {model} cannot end on a given picture; leave it out", field="last_image")
    if last_image is None and rules.last_image == "required":
        raise SpecError(f"last_image: {model} always ends on a given picture; give one", field="last_image")

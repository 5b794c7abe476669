"""The composer's options that only some models take: sampling, LoRAs, and how chunks of long clips go on."""

from collections.abc import Mapping
from typing import Any

from vidgen.spec import LongFields, ModelRules, SamplingFields
from vidgen.spec.advanced import AdvancedFields
from vidgen_web.portal.composer.controls import Control, among, controls_of, fields_of, texts_of
from vidgen_web.portal.composer.labels import label
from vidgen_web.portal.languages import gettext as _
from vidgen_web.portal.words import LABELS

SAMPLING, LONG, LORA = "advanced", "long", "lora"
# those of `long` that a person may want to turn; the rest follows from the model
LONG_OPTIONS = ("overlap", "anchor", "condition_noise", "rerolls")
VARIED = ("seed", "prompt", "num_inference_steps", "guidance_scale", "strength")
NO_TEXTS = frozenset({"loras"})


def sampling_controls(rules: ModelRules) -> tuple[Control, ...]:
    """Of the options that the model takes."""
    offered = [name for name in rules.options if name not in NO_TEXTS]
    controls = controls_of(AdvancedFields, [*offered, "expert"] if offered else [], SAMPLING)
    return tuple(_among(control, rules) for control in controls)


def long_controls(rules: ModelRules) -> tuple[Control, ...]:
    return controls_of(LongFields, LONG_OPTIONS, LONG) if rules.long else ()


def varied(rules: ModelRules) -> dict[str, str]:
    """The fields in which the clips of a grid may differ, with what they are called."""
    options = [f"{SAMPLING}.{name}" for name in rules.options if name not in NO_TEXTS]
    return {name: _(LABELS[name]) for name in VARIED} | {name: label(name) for name in options}


def spec_fields(values: Mapping[str, str]) -> dict[str, Any]:
    """`advanced` and `long` as the controls say; neither where they say nothing."""
    sampling = fields_of(_every(AdvancedFields, SAMPLING), values)
    loras = [_lora(name, values) for name in lora_names(values)]
    long = fields_of(controls_of(LongFields, ("loop", *LONG_OPTIONS), LONG), values)
    told = {SAMPLING: {**sampling, "loras": loras} if loras else sampling, LONG: long}
    return {name: value for name, value in told.items() if value}


def texts(spec: SamplingFields, rules: ModelRules) -> dict[str, str]:
    """A resolved spec's options as texts; what the model fills in by itself is left empty."""
    told: dict[str, str] = {}
    if spec.advanced is not None:
        told = texts_of(spec.advanced.model_dump(exclude_defaults=True), _every(AdvancedFields, SAMPLING))
        for use in spec.advanced.loras:
            told |= {f"{LORA}.{use.id}.on": "1", f"{LORA}.{use.id}.weight": f"{use.weight:g}"}
    if spec.long is not None and rules.long is not None:
        chosen = spec.long.model_dump(include={"loop", *LONG_OPTIONS}, exclude_none=True)
        asked = {name: value for name, value in chosen.items() if value != getattr(rules.long, name, False)}
        told |= texts_of(asked, controls_of(LongFields, ("loop", *LONG_OPTIONS), LONG))
    return told


def is_ours(name: str) -> bool:
    """Whether a form's field is one of these controls."""
    return name.startswith((f"{SAMPLING}.", f"{LONG}.", f"{LORA}."))


def _every(model: type[AdvancedFields], path: str) -> tuple[Control, ...]:
    return controls_of(model, (name for name in model.model_fields if name not in NO_TEXTS), path)


def _among(control: Control, rules: ModelRules) -> Control:
    """Of samplers, those that this model runs with."""
    if control.name != f"{SAMPLING}.sampler":
        return control
    return among(control, rules.samplers)


def lora_names(values: Mapping[str, str]) -> list[str]:
    """Those that are asked for, in their order."""
    boxes = [name for name in values if name.startswith(f"{LORA}.") and name.endswith(".on") and values[name]]
    return [name.split(".", 1)[1].removesuffix(".on") for name in boxes]


def _lora(name: str, values: Mapping[str, str]) -> dict[str, Any]:
    weight = values.get(f"{LORA}.{name}.weight", "")
    return {"id": name, "weight": weight} if weight else {"id": name}

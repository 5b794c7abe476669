"""Options that only some models take. A model's rules name those it takes; any other is refused by name."""

import math
from typing import Literal

from pydantic import Field

from vidgen.errors import SpecError
from vidgen.spec.base import SpecModel
from vidgen.spec.rules import ModelRules

Sampler = Literal[
    "ddim",
    "ddpm",
    "dpmpp-2m",
    "dpmpp-2m-sde",
    "dpmpp-2s",
    "dpmpp-2s-ancestral",
    "dpmpp-sde",
    "euler",
    "euler-ancestral",
    "heun",
    "lcm",
    "lms",
    "unipc",
]
Schedule = Literal["karras", "exponential"]
GuidanceSchedule = Literal["constant", "falling", "rising"]

FLOW_SAMPLERS = frozenset({"euler", "unipc", "dpmpp-2m", "dpmpp-2m-sde", "heun", "lcm"})
"""Those that are made for networks that predict a flow; noise, sample and v go with all."""
SCHEDULED = frozenset(
    {"euler", "heun", "lms", "dpmpp-2m", "dpmpp-2m-sde", "dpmpp-2s", "dpmpp-sde", "unipc", "dpmpp-2s-ancestral"}
)
"""Those whose noise levels may lie otherwise than in training; the others are bound to the training's steps."""


class LoraUse(SpecModel):
    """An installed LoRA and how much of it."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    weight: float = Field(default=1.0, ge=-4, le=4)


class AdvancedFields(SpecModel):
    """`None` means: as the model's authors run it."""

    sampler: Sampler | None = Field(default=None, description="How the steps are made.")
    schedule: Schedule | None = Field(default=None, description="Where the noise levels of the steps lie.")
    shift: float | None = Field(
        default=None, ge=0.1, le=20, description="Of flow models: above 1, more steps at noise."
    )
    shift_by_size: bool = Field(
        default=False, description="Have the model's own shift grow with the root of the clip's pixels."
    )
    eta: float | None = Field(default=None, ge=0, le=1, description="Of DDIM: 0 is deterministic, 1 is DDPM's noise.")
    guidance_rescale: float | None = Field(
        default=None, ge=0, le=1, description="How far guidance is held to the contrast of the unguided prediction."
    )
    guidance_from: float | None = Field(
        default=None, ge=0, le=1, description="Share of the steps before which there is no guidance."
    )
    guidance_until: float | None = Field(
        default=None, ge=0, le=1, description="Share of the steps after which there is no guidance."
    )
    guidance_schedule: GuidanceSchedule | None = Field(
        default=None, description="Whether guidance stays as it is, falls to none over the steps, or rises from none."
    )
    step_cache: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="How far a step's first block may differ from the last one computed in full for the rest of that "
        "to be taken over; 0.05 to 0.2 are usual, more is quicker and further from the clip.",
    )
    loras: tuple[LoraUse, ...] = Field(default=(), max_length=8, description="Stacked, each by its weight.")
    embeddings: tuple[str, ...] = Field(
        default=(), max_length=8, description="Installed textual inversions; the prompt names each as `<ID>`."
    )
    expert: bool = Field(
        default=False, description="Allows guidance outside of the band the model was seen to work in."
    )
    free_init: int | None = Field(
        default=None,
        ge=2,
        le=5,
        description="Of AnimateDiff's text-to-video: how often a clip is made, each time from the last one.",
    )
    motion_bucket_id: int | None = Field(
        default=None, ge=1, le=255, description="How much should move; SVD's own scale."
    )
    noise_aug_strength: float | None = Field(
        default=None, ge=0, le=1, description="Noise on the given picture: more lets the clip move away from it."
    )


def deployed_id(model: str, revision: str, advanced: AdvancedFields) -> str:
    """What runs, as one word: base checkpoint, adapters, sampler: `sprites-64@3+style:0.8/unipc`."""
    adapters = "".join(f"+{use.id}:{use.weight:g}" for use in advanced.loras)
    adapters += "".join(f"+<{embedding}>" for embedding in advanced.embeddings)
    return f"{model}@{revision}{adapters}{f'/{advanced.sampler}' if advanced.sampler else ''}"


def check_advanced(model: str, advanced: AdvancedFields | None, rules: ModelRules) -> None:
    """Raises SpecError naming the first option that this model would ignore, or two that do not go together."""
    if advanced is None:
        return
    for name in sorted(advanced.model_fields_set - {"expert"}):
        if getattr(advanced, name) not in (None, (), False) and name not in rules.options:
            taken = ", ".join(rules.options) or "none"
            raise _refused(name, f"{model} does not take it; it takes {taken}")
    _check_distilled(model, advanced, rules)
    _check_sampler(model, advanced, rules)
    _check_loras(model, advanced, rules)
    if advanced.shift_by_size and rules.shift is None:
        raise _refused("shift_by_size", f"{model} does not say which shift it was trained with; give shift a number")
    if advanced.eta is not None and advanced.sampler != "ddim":
        raise _refused("eta", "belongs to the sampler ddim")
    if (advanced.guidance_from or 0.0) > (1.0 if advanced.guidance_until is None else advanced.guidance_until):
        raise _refused("guidance_from", "must not be beyond guidance_until")


def shifted(advanced: AdvancedFields | None, rules: ModelRules, width: int, height: int) -> AdvancedFields | None:
    """With the shift that the clip's size asks for, where that is wanted: the noise that hides as much of more pixels.

    `shift·√(pixels / pixels it was trained at)` (Esser et al. 2024, arXiv:2403.03206, equation 23), within 0.1 and 20.
    """
    if advanced is None or not advanced.shift_by_size or rules.shift is None:
        return advanced
    growth = math.sqrt(width * height / (rules.sides.default_width * rules.sides.default_height))
    return advanced.model_copy(update={"shift": min(max(round(rules.shift * growth, 4), 0.1), 20.0)})


def guidance_band(advanced: AdvancedFields | None, rules: ModelRules) -> tuple[float, float]:
    """Within which scales guidance may lie; experts may leave the model's band."""
    low, high = rules.guidance.min, rules.guidance.max
    if rules.distilled:
        return low, high
    return (1.0, max(high, EXPERT_GUIDANCE)) if advanced is not None and advanced.expert else (low, high)


EXPERT_GUIDANCE = 30.0
TURNING = ("guidance_from", "guidance_until", "guidance_schedule")
"""What makes guidance another one at each step."""
GUIDING = ("guidance_rescale", *TURNING)


def _check_sampler(model: str, advanced: AdvancedFields, rules: ModelRules) -> None:
    sampler, flow = advanced.sampler, rules.prediction == "flow_prediction"
    if sampler is not None and sampler not in rules.samplers:
        taken = ", ".join(rules.samplers)
        if flow and sampler not in FLOW_SAMPLERS:
            raise _refused("sampler", f"{sampler} is not for networks that predict a flow; {model} takes {taken}")
        raise _refused("sampler", f"{model} does not run with {sampler}; it takes {taken}")
    if advanced.schedule is not None and sampler not in SCHEDULED:
        wanted = ", ".join(sorted(SCHEDULED & set(rules.samplers)))
        raise _refused("schedule", f"{sampler or 'the model’s own sampler'} takes none; {wanted} do")


def _check_distilled(model: str, advanced: AdvancedFields, rules: ModelRules) -> None:
    for name in GUIDING:
        if rules.distilled and getattr(advanced, name) is not None:
            raise _refused(name, f"{model} was distilled and takes no guidance; leave it out")


def _check_loras(model: str, advanced: AdvancedFields, rules: ModelRules) -> None:
    for use in advanced.loras:
        if use.id not in rules.loras:
            there = ", ".join(rules.loras) or "none"
            raise _refused("loras", f"{use.id} is not made for {model}; there are {there}")
    for embedding in advanced.embeddings:
        if embedding not in rules.embeddings:
            there = ", ".join(rules.embeddings) or "none"
            raise _refused("embeddings", f"{embedding} is not made for {model}; there are {there}")
    if len({use.id for use in advanced.loras}) < len(advanced.loras):
        raise _refused("loras", "one is named twice; give it one weight")


def _refused(name: str, why: str) -> SpecError:
    return SpecError(f"advanced.{name}: {why}", field=f"advanced.{name}")

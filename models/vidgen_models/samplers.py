"""Samplers by name: diffusers' schedulers behind one contract, made from a model's own schedule.

What a checkpoint was trained on (betas, prediction, shift) is the folder's; how the steps are made is the user's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import diffusers

from vidgen.errors import ModelError
from vidgen.spec.advanced import AdvancedFields
from vidgen_models.ancestral import Dpm2sAncestralScheduler

OWN = AdvancedFields()


@dataclass(frozen=True, slots=True)
class Choice:
    """A scheduler class of diffusers and what is fixed about it."""

    kind: Any
    fixed: Mapping[str, Any] = field(default_factory=dict)


FLOW_SOLVER = {"prediction_type": "flow_prediction", "use_flow_sigmas": True}
SDE = {"algorithm_type": "sde-dpmsolver++"}

DIFFUSION: Mapping[str, Choice] = {
    "ddpm": Choice(diffusers.DDPMScheduler),
    "ddim": Choice(diffusers.DDIMScheduler),
    "euler": Choice(diffusers.EulerDiscreteScheduler),
    "euler-ancestral": Choice(diffusers.EulerAncestralDiscreteScheduler),
    "heun": Choice(diffusers.HeunDiscreteScheduler),
    "lms": Choice(diffusers.LMSDiscreteScheduler),
    "dpmpp-2m": Choice(diffusers.DPMSolverMultistepScheduler, {"algorithm_type": "dpmsolver++"}),
    "dpmpp-2m-sde": Choice(diffusers.DPMSolverMultistepScheduler, SDE),
    "dpmpp-2s": Choice(diffusers.DPMSolverSinglestepScheduler, {"lower_order_final": True}),
    "dpmpp-2s-ancestral": Choice(Dpm2sAncestralScheduler),
    "dpmpp-sde": Choice(diffusers.DPMSolverSinglestepScheduler, {**SDE, "lower_order_final": True}),
    "unipc": Choice(diffusers.UniPCMultistepScheduler),
    "lcm": Choice(diffusers.LCMScheduler),
}
"""For networks that predict noise, the sample or v (DPM-Solver: arXiv:2211.01095, UniPC: arXiv:2302.04867)."""

UNMADE = frozenset({("euler-ancestral", "sample"), ("dpmpp-2s-ancestral", "sample")})
"""Diffusers has no such step."""

FLOW: Mapping[str, Choice] = {
    "euler": Choice(diffusers.FlowMatchEulerDiscreteScheduler),
    "heun": Choice(diffusers.FlowMatchHeunDiscreteScheduler),
    "unipc": Choice(diffusers.UniPCMultistepScheduler, FLOW_SOLVER),
    "dpmpp-2m": Choice(diffusers.DPMSolverMultistepScheduler, FLOW_SOLVER),
    "dpmpp-2m-sde": Choice(diffusers.DPMSolverMultistepScheduler, FLOW_SOLVER | SDE),
    "lcm": Choice(diffusers.FlowMatchLCMScheduler),
}

COGVIDEOX: Mapping[str, Choice] = {
    "ddim": Choice(diffusers.CogVideoXDDIMScheduler),
    "dpmpp-2m-sde": Choice(diffusers.CogVideoXDPMScheduler),
}


def choices(config: Mapping[str, Any]) -> Mapping[str, Choice]:
    """The samplers that go with a checkpoint's scheduler configuration."""
    if str(config["_class_name"]).startswith("CogVideoX"):
        return COGVIDEOX
    prediction = prediction_of(config)
    if prediction == "flow_prediction":
        return FLOW
    return {name: choice for name, choice in DIFFUSION.items() if (name, prediction) not in UNMADE}


def prediction_of(config: Mapping[str, Any]) -> str:
    """epsilon, sample, v_prediction or flow_prediction."""
    if str(config["_class_name"]).startswith("FlowMatch"):
        return "flow_prediction"
    return str(config.get("prediction_type", "epsilon"))


def scheduler_maker(config: Mapping[str, Any]) -> Callable[[AdvancedFields | None], Any]:
    """Makes a scheduler anew on every call, because schedulers carry the state of one run.

    Raises ModelError when the configuration is no scheduler of diffusers.
    """
    own: Any = getattr(diffusers, config["_class_name"], None)
    if not (isinstance(own, type) and issubclass(own, diffusers.SchedulerMixin)):
        raise ModelError(f"scheduler: {config['_class_name']} is not a scheduler of diffusers")

    def make(advanced: AdvancedFields | None) -> Any:
        asked = advanced or OWN
        choice = Choice(own) if asked.sampler is None else choices(config)[asked.sampler]
        return choice.kind(**_settings(choice, config, asked))

    return make


def _settings(choice: Choice, config: Mapping[str, Any], asked: AdvancedFields) -> dict[str, Any]:
    """The folder's settings as far as this class knows them, what is fixed about the choice, and what was asked."""
    known = signature(choice.kind.__init__).parameters
    settings = {key: value for key, value in config.items() if key in known}
    shift = (shift_of(config) or 1.0) if asked.shift is None else asked.shift
    settings |= {name: shift for name in ("shift", "flow_shift") if name in known}
    if asked.schedule is not None:
        settings |= {f"use_{name}_sigmas": name == asked.schedule for name in ("karras", "exponential")}
    return {**settings, **choice.fixed}


def shift_of(config: Mapping[str, Any]) -> float | None:
    """Flow schedulers call it shift, solvers flow_shift; None where the configuration has none."""
    found = config.get("flow_shift" if config.get("use_flow_sigmas") else "shift")
    return None if found is None else float(found)

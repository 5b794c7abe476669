"""What video-to-video is on a model: a restyle by strength, an edit as the prompt instructs, or a person replaced."""

from vidgen.errors import SpecError
from vidgen.spec.job import SamplingFields, VideoToVideo
from vidgen.spec.rules import ModelRules


def check_restyle(spec: SamplingFields, rules: ModelRules) -> None:
    """Raises SpecError naming what the model would ignore of such a job, or cannot do without."""
    if rules.restyle == "replacement":
        _check_replacement(spec)
    if not isinstance(spec, VideoToVideo) or rules.restyle == "strength":
        return
    if spec.strength not in (None, 1.0):
        why = "follows an instruction" if rules.restyle == "instruction" else "replaces what lies under the mask"
        raise SpecError(
            f"strength={spec.strength:g}: {spec.model} {why}; leave it out", field="strength", nearest=(1.0,)
        )
    if rules.restyle == "instruction" and not spec.prompt.strip():
        raise SpecError("prompt: say what to change, as in `make it winter`", field="prompt")


def usual_strength(spec: VideoToVideo, rules: ModelRules) -> float:
    """Of a job that says none. A part that is made anew owes nothing to what was there."""
    whole = spec.mask is None and spec.outpaint is None
    return rules.strength if whole and rules.restyle == "strength" else 1.0


def _check_replacement(spec: SamplingFields) -> None:
    if not isinstance(spec, VideoToVideo):
        if spec.references:
            raise SpecError("references: image shows who it is; leave them out", field="references")
        return
    if spec.outpaint is not None:
        raise SpecError("outpaint: somebody is replaced within the frame; leave it out", field="outpaint")
    if spec.mask is None:
        raise SpecError("mask: say where the person is who is replaced, by a mask clip or a box", field="mask")
    if not spec.references:
        raise SpecError("references: give the picture of who comes in their place", field="references")

"""How many times a step asks the network for what one prompt and no region would be asked for."""

from vidgen.spec.conditioning.camera_words import said_moves
from vidgen.spec.conditioning.rules import ConditioningRules
from vidgen.spec.job import SamplingFields


def predictions_a_step(spec: SamplingFields, rules: ConditioningRules) -> int:
    """Of a resolved spec: one for the clip's prompt and one for each region, and as many again for each move of a
    camera that is said by time."""
    return (1 + len(said_moves(spec, rules))) * (1 + len(spec.regions))

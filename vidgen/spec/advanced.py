"""Options that only some models take. A model's rules name those it takes; any other is refused by name."""

from pydantic import Field

from vidgen.errors import SpecError
from vidgen.spec.base import SpecModel
from vidgen.spec.rules import ModelRules


class AdvancedFields(SpecModel):
    """`None` means: as the model's authors run it."""

    motion_bucket_id: int | None = Field(
        default=None, ge=1, le=255, description="How much should move; SVD's own scale."
    )
    noise_aug_strength: float | None = Field(
        default=None, ge=0, le=1, description="Noise on the given picture: more lets the clip move away from it."
    )


def check_advanced(model: str, advanced: AdvancedFields | None, rules: ModelRules) -> None:
    """Raises SpecError naming the first option that this model would ignore, and those it takes."""
    for name in () if advanced is None else advanced.model_fields_set:
        if getattr(advanced, name) is not None and name not in rules.options:
            taken = ", ".join(rules.options) or "none"
            raise SpecError(f"advanced.{name}: {model} does not take it; it takes {taken}", field=f"advanced.{name}")

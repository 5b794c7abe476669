"""The numbers of a resolved spec, none of them None."""

from dataclasses import dataclass, fields

from vidgen.errors import SpecError
from vidgen.spec import SamplingFields


@dataclass(frozen=True, slots=True)
class Resolved:
    """What `vidgen.spec.resolve` filled in; recipes read it so that a missing number fails before weights are used."""

    width: int
    height: int
    num_frames: int
    fps: int
    seed: int
    num_inference_steps: int
    guidance_scale: float

    @classmethod
    def of(cls, spec: SamplingFields) -> "Resolved":
        """Raises SpecError when the spec was not resolved."""
        values = {field.name: getattr(spec, field.name) for field in fields(cls)}
        for name, value in values.items():
            if value is None:
                raise SpecError(f"{name}: empty; resolve the spec against its model first", field=name)
        return cls(**values)

"""What the sender of an accepted request may like to know: of its words, and of what its model makes otherwise."""

from vidgen.spec import SamplingFields
from vidgen.spec.conditioning.too_fast import too_fast
from vidgen_models.registry import Manifest
from vidgen_models.words import Remark, remarks


def remarks_on(spec: SamplingFields, manifest: Manifest) -> tuple[Remark, ...]:
    """Of a resolved spec: words that its model does not know, and camera speeds that it does not reach."""
    fast = too_fast(spec, manifest.rules.conditioning)
    speeds = (Remark(field=it, code="fastest_speed", words=(), message=told) for it, told in fast.items())
    return (*remarks(spec, manifest), *speeds)

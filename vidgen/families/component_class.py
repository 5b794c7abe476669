"""Which class a component of a folder is read as: one of the family's, never the folder's choice."""

import diffusers

from vidgen.errors import ModelError
from vidgen.families.folder import ModelFolder

DENOISERS = ("transformer", "transformer_2", "unet")
"""The networks that are run at every step."""
TEXT_ENCODERS = ("text_encoder", "text_encoder_2")


def class_of(folder: ModelFolder, name: str, allowed: type | tuple[type, ...]) -> type | None:
    """None where the index leaves the component out.

    A network of another class would be read with some weights missing and others made up: ModelError.
    """
    if not folder.has(name):
        return None
    kinds = allowed if isinstance(allowed, tuple) else (allowed,)
    if not issubclass(kinds[0], diffusers.ModelMixin):
        return kinds[0]
    found = folder.config(name).get("_class_name", "")
    for kind in kinds:
        if kind.__name__ == found:
            return kind
    wanted = " or ".join(kind.__name__ for kind in kinds)
    raise ModelError(f"{name}: {found or 'a network of no class'} is not the {wanted} that this family reads")

"""Ways to finish a clip at one press, each a small form: the steps and the file that it asks for."""

from collections.abc import Mapping
from dataclasses import dataclass

from vidgen_web.portal.composer import finishing
from vidgen_web.portal.languages import gettext as _
from vidgen_web.portal.languages import mark
from vidgen_web.services import Services


@dataclass(frozen=True, slots=True)
class Finish:
    """`fields` are the form's, with the composer's own names."""

    label: str
    fields: Mapping[str, str]


def _ticked(step: str, **values: str) -> dict[str, str]:
    return {f"post.{step}.on": "1", **{f"post.{step}.{name}": value for name, value in values.items()}}


STEPS = {
    mark("Twice the frames"): _ticked("interpolate", factor="2"),
    mark("Twice the size"): _ticked("upscale", factor="2"),
    mark("Balance the colours"): _ticked("normalise-colour"),
    mark("Sharpen"): _ticked("sharpen"),
    mark("Remove the background (WebM)"): {**_ticked("remove-background"), "output.format": "webm"},
}
FILES = {
    mark("as GIF"): {"output.format": "gif"},
    mark("as animated WebP"): {"output.format": "webp"},
    mark("as WebM"): {"output.format": "webm"},
    mark("as ProRes"): {"output.format": "prores"},
    mark("as PNG pictures"): {"output.format": "png"},
}


def finishes(services: Services) -> list[Finish]:
    """What can be done here: steps whose networks are installed, then files."""
    possible = {row.box for row in finishing.rows({}, services.networks)}
    steps = {label: fields for label, fields in STEPS.items() if next(iter(fields)) in possible}
    return [Finish(_(label), fields) for label, fields in (steps | FILES).items()]

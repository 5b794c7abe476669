"""The composer's post-processing steps and its delivered file, as rows of controls.

A step is on when its box is ticked; the order of the rows is the order of the steps.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from vidgen.errors import ModelError
from vidgen.spec import FORMATS, Output
from vidgen.spec.post import PostStep
from vidgen_models.networks import NetworkRegistry
from vidgen_web.portal.composer.controls import Control, controls_of, fields_of, texts_of
from vidgen_web.portal.composer.labels import label
from vidgen_web.portal.composer.slots import EMPTY, Slot, from_reference
from vidgen_web.services import Services

STEPS = {str(step.model_fields["step"].default): step for step in get_args(get_args(PostStep)[0])}
# steps in which later ones lose nothing: colours first, then more frames and larger ones, then what lies over them
USUAL_ORDER = ("normalise-colour", "tone-map", "interpolate", "upscale", "sharpen", "remove-background", "watermark")
OUTPUT = "output"
# a picture in place of the watermark's text
PICTURE = "post.watermark.image"
ON = "on"


@dataclass(frozen=True, slots=True)
class Row:
    """One step that may be ticked."""

    name: str
    label: str
    controls: tuple[Control, ...]

    @property
    def box(self) -> str:
        return f"post.{self.name}.{ON}"


def rows(values: Mapping[str, str], networks: NetworkRegistry) -> list[Row]:
    """Every step that can be done here, in the order of the draft; those that it does not name in their usual one."""
    asked = [name for name, _ in ticked(values)]
    usual = [*USUAL_ORDER, *(name for name in STEPS if name not in USUAL_ORDER)]
    # rows that are ticked in the usual order stay where they are, so that nothing moves under the hand
    moved = [] if asked == [name for name in usual if name in asked] else asked
    return [_row(name) for name in dict.fromkeys([*moved, *usual]) if _is_possible(name, networks)]


def output_controls() -> tuple[Control, ...]:
    return controls_of(Output, Output.model_fields, OUTPUT)


def spec_fields(values: Mapping[str, str], picture: Slot = EMPTY) -> dict[str, Any]:
    """`post` and `output` as the ticked rows, the file's controls and the watermark's slot say."""
    steps = [{"step": name, **fields_of(row.controls, values)} for name, row in ticked(values)]
    if picture.is_filled:
        steps = [{**step, "image": picture.reference()} if step["step"] == "watermark" else step for step in steps]
    told = {"post": steps, OUTPUT: fields_of(output_controls(), values)}
    return {name: value for name, value in told.items() if value}


def picture_of(services: Services, post: Sequence[Any]) -> Slot:
    """What lies in the watermark's slot; of several watermarks, the last's."""
    pictures = [step.image for step in post if step.step == "watermark"]
    return from_reference(services, pictures[-1]) if pictures else EMPTY


def texts(post: Sequence[Any], output: Output) -> dict[str, str]:
    """A spec's steps and file as the texts of their controls; of a step that comes twice, the last."""
    told: dict[str, str] = {}
    for step in post:
        row = _row(step.step)
        told.pop(row.box, None)
        told |= {row.box: "1", **texts_of(step.model_dump(), row.controls)}
    # what follows from the rest is not repeated, so that another format may bring its own codec
    usual = {**Output().model_dump(), "codec": FORMATS[output.format].codecs[0]}
    changed = {name: value for name, value in output.model_dump().items() if value != usual[name]}
    return told | texts_of(changed, output_controls())


def names() -> Iterable[str]:
    """Every control's name."""
    for name in STEPS:
        row = _row(name)
        yield row.box
        yield from (control.name for control in row.controls)
    yield from (control.name for control in output_controls())


def ticked(values: Mapping[str, str]) -> list[tuple[str, Row]]:
    """The steps that are asked for, in their order."""
    boxes = [name for name, text in values.items() if text and name.startswith("post.") and name.endswith(f".{ON}")]
    return [(name, _row(name)) for name in (box.split(".")[1] for box in boxes) if name in STEPS]


def _row(name: str) -> Row:
    step = STEPS[name]
    fields = [field for field in step.model_fields if field != "step"]
    return Row(name, label(f"post.{name}"), controls_of(step, fields, f"post.{name}"))


def _is_possible(name: str, networks: NetworkRegistry) -> bool:
    """Whether the networks that the step needs are installed."""
    try:
        if name == "interpolate":
            networks.interpolation()
        elif name == "upscale":
            networks.upscaling_passes(2)
    except ModelError:
        return False
    return True

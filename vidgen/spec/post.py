"""Steps that a finished clip goes through, in the order given: each knows its rules and what it makes of a clip.

How a step does it is in vidgen/post, a step a file.
"""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from vidgen.errors import SpecError
from vidgen.spec.base import SpecModel
from vidgen.spec.clip_shape import ClipShape, rate
from vidgen.spec.conditioning.control import ControlKind
from vidgen.spec.media_ref import MediaRef

LARGEST_SIDE = 4096
HIGHEST_FPS = 240
MOST_STEPS = 12
SMALLEST_MARKED = 64
COLOUR = r"^#[0-9a-fA-F]{6}$"

Position = Literal["top-left", "top-right", "bottom-left", "bottom-right", "center"]


class PostStepFields(SpecModel):
    """What every step can say of itself."""

    def after(self, clip: ClipShape, field: str) -> ClipShape:
        """The clip that this step makes of `clip`. Raises SpecError; `field` is where the step stands in the spec."""
        del field
        return clip


class Interpolate(PostStepFields):
    """More frames in the same time: those between two frames are drawn by a network, never across a cut."""

    step: Literal["interpolate"] = "interpolate"
    factor: Literal[2, 4, 8] | None = Field(default=None, description="How many times the rate.")
    fps: float | None = Field(default=None, ge=1, le=HIGHEST_FPS, description="In place of factor: any rate.")

    def after(self, clip: ClipShape, field: str) -> ClipShape:
        """The last frame stays the last: n frames become (n - 1)·factor + 1."""
        if (self.factor is None) == (self.fps is None):
            raise SpecError(f"{field}: give factor or fps", field=field)
        _refuse_alpha(clip, field, "interpolate")
        fps = clip.fps * self.factor if self.factor is not None else rate(self.fps or 0)
        if fps > HIGHEST_FPS:
            highest = max((factor for factor in (1, 2, 4) if clip.fps * factor <= HIGHEST_FPS), default=1)
            raise SpecError(
                f"{field}.factor={self.factor}: {float(fps):g} frames a second; at most {HIGHEST_FPS}; "
                f"nearest is {highest}",
                field=f"{field}.factor",
                nearest=(highest,),
            )
        return replace(clip, fps=fps, num_frames=int((clip.num_frames - 1) * fps / clip.fps) + 1)


class Upscale(PostStepFields):
    """Larger frames, by a network."""

    step: Literal["upscale"] = "upscale"
    factor: Literal[2, 4] = 2

    def after(self, clip: ClipShape, field: str) -> ClipShape:
        _refuse_alpha(clip, field, "upscale")
        width, height = clip.width * self.factor, clip.height * self.factor
        if max(width, height) > LARGEST_SIDE:
            nearest = (2,) if self.factor == 4 and 2 * max(clip.width, clip.height) <= LARGEST_SIDE else ()
            advice = f"nearest is {nearest[0]}" if nearest else "leave the step out"
            raise SpecError(
                f"{field}.factor={self.factor}: {width}×{height}; sides may have {LARGEST_SIDE} pixels; {advice}",
                field=f"{field}.factor",
                nearest=nearest,
            )
        return replace(clip, width=width, height=height)


class NormaliseColour(PostStepFields):
    """Darkest and lightest places of a shot to black and white, a cast of colour to grey."""

    step: Literal["normalise-colour"] = "normalise-colour"
    strength: float = Field(default=1.0, ge=0, le=1, description="0 changes nothing.")


class ToneMap(PostStepFields):
    """Exposure, and a curve that keeps what it lifts from burning out."""

    step: Literal["tone-map"] = "tone-map"
    curve: Literal["reinhard", "filmic"] = "reinhard"
    exposure: float = Field(default=0.0, ge=-4, le=4, description="Stops: 1 doubles the light.")
    white: float = Field(default=4.0, ge=1, le=16, description="How many times white is still told from white.")


class RemoveBackground(PostStepFields):
    """A plain background to transparency, by its colour. For subjects on one flat colour, and for those alone."""

    step: Literal["remove-background"] = "remove-background"
    colour: str | None = Field(
        default=None, pattern=COLOUR, description="Of the background; empty: found at the edges."
    )
    tolerance: float = Field(default=16.0, ge=0, le=100, description="CIE76 ΔE: nearer than this is background.")
    softness: float = Field(default=24.0, ge=1, le=100, description="ΔE over which a pixel becomes opaque.")
    holes: bool = Field(default=False, description="Also what is enclosed by the subject.")
    replace: str | None = Field(default=None, pattern=COLOUR, description="A new colour in place of transparency.")

    def after(self, clip: ClipShape, field: str) -> ClipShape:
        del field
        return replace(clip, alpha=clip.alpha or self.replace is None)


class Sharpen(PostStepFields):
    """Detail made clearer without halos at edges and without lifting noise. It invents nothing."""

    step: Literal["sharpen"] = "sharpen"
    amount: float = Field(default=0.8, ge=0, le=3)
    radius: int = Field(default=1, ge=1, le=16, description="Pixels.")


class Restore(PostStepFields):
    """What a video encoder has lost taken back by the upscaling network, at the frames' own size."""

    step: Literal["restore"] = "restore"
    strength: float = Field(default=1.0, ge=0, le=1, description="0 changes nothing.")

    def after(self, clip: ClipShape, field: str) -> ClipShape:
        _refuse_alpha(clip, field, "restore")
        return clip


class Watermark(PostStepFields):
    """A text or a picture over every frame."""

    step: Literal["watermark"] = "watermark"
    text: str | None = Field(default=None, min_length=1, max_length=100)
    image: MediaRef | None = None
    position: Position = "bottom-right"
    opacity: float = Field(default=0.5, gt=0, le=1)
    size: float = Field(default=0.1, ge=0.02, le=1, description="Its height as a share of the frame's.")

    def after(self, clip: ClipShape, field: str) -> ClipShape:
        if (self.text is None) == (self.image is None):
            raise SpecError(f"{field}: give text or image", field=field)
        return clip


class InvisibleWatermark(PostStepFields):
    """A number in every frame that is not seen, and that encoders and resizing leave there."""

    step: Literal["invisible-watermark"] = "invisible-watermark"
    message: str = Field(default="76696467", pattern=r"^[0-9a-f]{8}$", description="8 hexadecimal digits.")

    def after(self, clip: ClipShape, field: str) -> ClipShape:
        if min(clip.width, clip.height) < SMALLEST_MARKED:
            raise SpecError(
                f"{field}: {clip.width}×{clip.height}; a mark needs sides of {SMALLEST_MARKED}; leave the step out",
                field=field,
            )
        return clip


class ReadWatermark(PostStepFields):
    """Which invisible mark the clip bears, told in the receipt; the frames stay as they are."""

    step: Literal["read-watermark"] = "read-watermark"


class DrawControl(PostStepFields):
    """The clip's edges, brightness, motion or layout in its place: a control video that other jobs can follow.

    Depth, poses and faces take a network that was added for it.
    """

    step: Literal["draw-control"] = "draw-control"
    kind: ControlKind
    smoothing: float = Field(default=0.0, ge=0, le=1, description="How far it is smoothed over time.")
    width: int | None = Field(default=None, ge=16, le=LARGEST_SIDE, description="Drawn at; empty: as the clip is.")
    height: int | None = Field(default=None, ge=16, le=LARGEST_SIDE, description="Likewise.")
    full_speed: float | None = Field(
        default=None, gt=0, le=1, description="Of flow: share of the width a frame at full colour; empty: a sixteenth."
    )

    def after(self, clip: ClipShape, field: str) -> ClipShape:
        _refuse_alpha(clip, field, "draw-control")
        return replace(clip, width=self.width or clip.width, height=self.height or clip.height)


PostStep = Annotated[
    Interpolate
    | Upscale
    | NormaliseColour
    | ToneMap
    | RemoveBackground
    | Sharpen
    | Restore
    | Watermark
    | InvisibleWatermark
    | ReadWatermark
    | DrawControl,
    Field(discriminator="step"),
]


def shapes_after(steps: tuple[PostStep, ...], clip: ClipShape) -> tuple[ClipShape, ...]:
    """The clip before the first step and after each. Raises SpecError naming the step that cannot be."""
    shapes = [clip]
    for number, step in enumerate(steps):
        shapes.append(step.after(shapes[-1], f"post.{number}"))
    return tuple(shapes)


def _refuse_alpha(clip: ClipShape, field: str, name: str) -> None:
    if clip.alpha:
        raise SpecError(f"{field}: {name} knows no transparency; put it before remove-background", field=field)

"""What a clip was asked for beside what its frames show: camera, paths, controls, masks, ends, pictures, references.

Frames are measured as the model made them, before any step and before they are encoded, in a small size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk
from vidgen.media.source import fit
from vidgen.motion.canvas import blank_canvas
from vidgen.motion.controls.layout import Box
from vidgen.motion.trajectory import place
from vidgen.pipelines.camera_report import camera_report
from vidgen.pipelines.conditions import Conditions
from vidgen.pipelines.masking import Masked
from vidgen.pipelines.picture_report import picture_report, region_report, wholly
from vidgen.pipelines.resolved import Resolved
from vidgen.quality.conditioning.agreement import (
    EQUAL,
    layout_agreement,
    motion_agreement,
    picture_agreement,
    psnr,
)
from vidgen.quality.conditioning.likeness import colour_likeness, in_other_colours
from vidgen.quality.conditioning.similarity import is_patterned, speed_of
from vidgen.quality.conditioning.tracks import error, followed, subject_track
from vidgen.runtime.context import RunContext
from vidgen.runtime.verdict import Verdict, together
from vidgen.spec import (
    ClipSpec,
    ConditioningRules,
    ExtendVideo,
    ImageToVideo,
    ProcessVideo,
    SamplingFields,
    Trajectory,
)
from vidgen.spec.conditioning.camera_words import strength_of

LARGEST = 128
"""The longer side of measured frames, in pixels."""
Entry = dict[str, Any]
PATTERN = "the ground has a pattern, from which a subject cannot be told; ask for a plain one to have it measured"
NO_DRAWER = "no network that draws it from frames is installed"
TIMES = "times the speed that the model, camera, paths or source clip have"
NO_BASELINE = "how fast the clip would be at a strength of 1 is not to be seen in it; make that one with the same seed"
ALL_GIVEN = "every frame was given; so there are none to set beside them"
GREY = "the picture has no colours; so there is none in other colours to set beside it"


def is_conditioned(spec: SamplingFields) -> bool:
    """Whether anything but prompts was asked for that frames can be measured against."""
    return spec.conditioned or bool(spec.keyframes or spec.regions) or isinstance(spec, ImageToVideo)


def is_judged(spec: ClipSpec) -> bool:
    """Whether there is something in the clip that its model alone can tell."""
    return not isinstance(spec, ProcessVideo) and bool(spec.regions)


class ConditioningMeter:
    """Keeps a small copy of every frame that streams by; `spec` is resolved."""

    def __init__(self, spec: SamplingFields, ctx: RunContext, rules: ConditioningRules) -> None:
        asked = Resolved.of(spec)
        scale = min(1.0, LARGEST / max(asked.width, asked.height))
        self._size = {"width": round(asked.width * scale), "height": round(asked.height * scale)}
        self._spec, self._ctx, self._rules = spec.model_copy(update=self._size), ctx, rules
        self._asked = replace(asked, **self._size)
        self._frames: list[FrameChunk] = []

    def through(self, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        """Pass the frames on unchanged."""
        for chunk in chunks:
            self._frames.append(fit(chunk[..., :3], **self._size))
            yield chunk

    def report(self, said: Sequence[Verdict] = ()) -> dict[str, list[Entry]]:
        """By kind of item; empty where nothing can be measured, as of a single frame. `said` is what the model said of
        the clip's windows."""
        if not self._frames:
            return {}
        frames = self._new(np.concatenate(self._frames))
        if len(frames) < 2:
            return {}
        conditions = Conditions(self._spec, self._ctx, self._rules)
        found = {
            "camera": self._camera(frames),
            "trajectories": self._tracks(frames, conditions),
            "controls": list(self._controls(frames, conditions)),
            "brushes": self._brushes(frames, conditions),
            "motion": self._motion(frames),
            "mask": self._mask(frames, conditions.masked()),
            "ends": list(self._ends(frames, conditions)),
            "pictures": list(picture_report(frames, self._spec, self._ctx)),
            "regions": list(region_report(frames, self._spec, self._ctx, together(said))),
            "references": self._references(frames, conditions),
        }
        return {name: entries for name, entries in found.items() if entries}

    def _new(self, frames: FrameChunk) -> FrameChunk:
        """Of a clip that was made longer the frames that items speak of: those that were not there before."""
        if not isinstance(self._spec, ExtendVideo):
            return frames
        count = self._asked.num_frames
        return frames[-count:] if self._spec.direction == "forward" else frames[:count]

    def _camera(self, frames: FrameChunk) -> list[Entry]:
        camera = self._spec.camera
        return [] if camera is None else [camera_report(frames, camera, self._asked, strength_of(self._spec))]

    def _tracks(self, frames: FrameChunk, conditions: Conditions) -> list[Entry]:
        """Over a pattern no subject can be told from its ground, and none is made up."""
        paths = self._spec.trajectories
        if paths and is_patterned(frames):
            unknown = {"measured": None, "mean_error": None, "largest_error": None, "why": PATTERN}
            return [{"requested": _points(self._path(path, len(frames))), **unknown} for path in paths]
        seen = subject_track(frames) if len(paths) == 1 else None
        return [self._track(frames, path, conditions, seen) for path in paths]

    def _track(self, frames: FrameChunk, path: Trajectory, conditions: Conditions, seen: Any) -> Entry:
        asked = self._path(path, len(frames))
        width, height = conditions.box(path)
        x, y = map(float, asked[0])
        begin = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        found = followed(frames, begin) if seen is None else seen
        away = error(found, asked, self._asked.height / self._asked.width)
        return {
            "by": "motion" if seen is None else "subject",
            "requested": _points(asked),
            "measured": _points(found),
            "mean_error": _rounded(away.mean()),
            "largest_error": _rounded(away.max()),
        }

    def _path(self, path: Trajectory, count: int) -> Any:
        """The places asked for by frame, `[count, 2]`, in shares of the frame."""
        around = self._spec.long is not None and self._spec.long.loop
        canvas = replace(
            blank_canvas(1, 8, 8, total=self._asked.num_frames, around=around), strength=strength_of(self._spec)
        )
        return np.array([place(path, canvas, frame) for frame in range(count)])

    def _controls(self, frames: FrameChunk, conditions: Conditions) -> Iterator[Entry]:
        for number, control in enumerate(self._spec.controls):
            source = conditions.control_source(number)
            if control.kind == "flow" and not control.drawn:
                found: float | None = motion_agreement(frames, source.motion(0, len(frames)))
            elif control.kind == "layout":
                found = None if is_patterned(frames) else layout_agreement(frames, source.read(0, len(frames)))
            else:
                found = picture_agreement(control.kind, frames, source.read(0, len(frames)), self._ctx.drawers)
            entry: Entry = {
                "kind": control.kind,
                "weight": control.weight,
                "start": control.start,
                "end": control.end,
                "requested": wholly(control.weight),
            }
            yield entry | (
                {"measured": None, "why": PATTERN if control.kind == "layout" else NO_DRAWER}
                if found is None
                else {"measured": _rounded(found)}
            )

    def _brushes(self, frames: FrameChunk, conditions: Conditions) -> list[Entry]:
        """Of all painted regions together: the motion asked for in them, and that which is there."""
        if not self._spec.brushes:
            return []
        canvas = conditions.items().canvas(0, len(frames), self._asked.num_frames, *_sides(self._asked))
        assert canvas.flow is not None
        return [{"requested": 1.0, "measured": _rounded(motion_agreement(frames, canvas.flow))}]

    def _motion(self, frames: FrameChunk) -> list[Entry]:
        """How fast what has structure moves in the mean, where a strength was asked for: a factor of a speed that the
        clip alone does not tell."""
        if self._spec.motion_strength is None:
            return []
        speed = speed_of(frames) * self._asked.fps
        asked = {"requested": self._spec.motion_strength, "unit": TIMES}
        return [{**asked, "measured": None, "why": NO_BASELINE, "widths_a_second": _rounded(speed)}]

    def _mask(self, frames: FrameChunk, masked: Masked | None) -> list[Entry]:
        if masked is None:
            return []
        made = masked.mask(0, len(frames)) > 0.5
        source = masked.source(0, len(frames))
        changed = np.abs(frames.astype(np.int16) - source)[made]
        return [
            {
                "requested": EQUAL,
                "outside_psnr": _rounded(psnr(frames[~made], source[~made])),
                "inside_change": _rounded(changed.mean() if changed.size else 0.0),
                "share": _rounded(made.mean()),
            }
        ]

    def _ends(self, frames: FrameChunk, conditions: Conditions) -> Iterator[Entry]:
        """`elsewhere` is the mean of the clip's other frames, each beside one of those given in turn."""
        for name in ("prefix", "suffix"):
            end = getattr(self._spec, name)
            if end is not None and len(frames) == self._asked.num_frames:
                given = conditions.end_frames(name, end)
                count = len(given)
                shown, others = (
                    (frames[:count], frames[count:]) if name == "prefix" else (frames[-count:], frames[:-count])
                )
                near = [psnr(frame, given[n % count]) for n, frame in enumerate(others)]
                told: Entry = {"elsewhere": _rounded(np.mean(near))} if near else {"elsewhere": None, "why": ALL_GIVEN}
                asked = {"end": name, "frames": count, "requested": EQUAL}
                yield {**asked, "psnr": _rounded(psnr(shown, given)), **told}

    def _references(self, frames: FrameChunk, conditions: Conditions) -> list[Entry]:
        """Each by the colours of its subject, or of all of it, beside those of the clip's.

        `other_colours` is the mean of that over the same picture in other colours. It is no control: what a clip has
        without the reference only one without it tells.
        """
        return [
            {"kind": reference.kind, "requested": 1.0, **_likeness(frames, conditions.reference_picture(number))}
            for number, reference in enumerate(self._spec.references)
        ]


def _likeness(frames: FrameChunk, picture: NDArray[np.uint8]) -> Entry:
    others = [colour_likeness(frames, other) for other in in_other_colours(picture)]
    told: Entry = {"other_colours": _rounded(np.mean(others))} if others else {"other_colours": None, "why": GREY}
    return {"measured": _rounded(colour_likeness(frames, picture)), **told}


def _sides(asked: Resolved) -> tuple[int, int]:
    return asked.height, asked.width


def _points(places: Any) -> list[list[float]]:
    return [[_rounded(x), _rounded(y)] for x, y in places]


def _rounded(value: Any) -> float:
    return round(float(value), 3)

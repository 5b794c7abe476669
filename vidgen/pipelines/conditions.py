"""The conditioning items of a spec as things to paint: media read, motion turned into what the model understands."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidgen.media.frames import FrameChunk
from vidgen.media.source import read_picture
from vidgen.media.tensor import to_pixels
from vidgen.motion.brush import MotionBrush
from vidgen.motion.camera import MovingCamera
from vidgen.motion.canvas import ConditioningItem, Use
from vidgen.motion.clip_frames import ClipFrames
from vidgen.motion.control_video import ControlVideo
from vidgen.motion.items import Items, NamedItem
from vidgen.motion.motion_of_clip import MotionOfClip
from vidgen.motion.motion_strength import MotionStrength
from vidgen.motion.reference import ReferencePicture
from vidgen.motion.region import Region
from vidgen.motion.subject import box_of, subject_of
from vidgen.motion.trajectory import BoxTrack, MovingBox
from vidgen.pipelines.control_frames import ClipReader, DrawnControl
from vidgen.pipelines.masking import Masked
from vidgen.pipelines.resolved import Resolved
from vidgen.runtime.context import RunContext
from vidgen.spec import (
    Brush,
    ClipEnd,
    ConditioningRules,
    Control,
    ImageToVideo,
    MediaRef,
    SamplingFields,
    Trajectory,
    VideoToVideo,
)
from vidgen.spec.conditioning.camera_words import by_time
from vidgen.spec.conditioning.resolve import SUBJECT_BOX

Plane = NDArray[np.float32]
NEAR = 0.28
"""Half axes of the ellipse in the frame's middle that is taken for near where no subject is found."""


class Conditions:
    """Reads what a spec's items refer to. Raises SpecError where a clip is too short for what it shall say."""

    def __init__(self, spec: SamplingFields, ctx: RunContext, rules: ConditioningRules) -> None:
        self._spec, self._ctx, self._rules = spec, ctx, rules
        self._asked = Resolved.of(spec)

    def items(self, *before: NamedItem) -> Items:
        """All of them, after those `before`."""
        return Items((*before, *self._items()), self._rules.flow_full, self._around)

    @property
    def _around(self) -> bool:
        return self._spec.long is not None and self._spec.long.loop

    def masked(self) -> Masked | None:
        """The source with its mask, where a part of it is made anew."""
        return Masked.of(self._spec, self._ctx) if isinstance(self._spec, VideoToVideo) else None

    def _items(self) -> Iterator[NamedItem]:
        spec = self._spec
        if spec.motion_strength is not None and self._rules.motion_strength == "flow":
            yield NamedItem(MotionStrength(spec.motion_strength), f"strength {spec.motion_strength}")
        yield from self._ends()
        masked = self.masked()
        if masked is not None:
            yield NamedItem(Region(masked.source, masked.mask), masked.name)
        for number, control in enumerate(spec.controls):
            yield self._control(number, control)
        if spec.camera is not None and self._rules.camera == "flow" and not by_time(spec, self._rules):
            moving = MovingCamera(spec.camera, self._asked.fps, self._near)
            yield NamedItem(moving, f"camera {spec.camera.model_dump_json()}")
        for number, brush in enumerate(spec.brushes):
            yield self._brush(number, brush)
        for path in spec.trajectories:
            yield self._trajectory(path)
        for number, reference in enumerate(spec.references):
            picture = to_pixels(self.reference_picture(number)[None])[0, :, 0]
            yield NamedItem(ReferencePicture(picture), f"reference {self._name(reference.image)}")

    def _ends(self) -> Iterator[NamedItem]:
        spec, total = self._spec, self._asked.num_frames
        for name, end in (("prefix", spec.prefix), ("suffix", spec.suffix)):
            if end is not None:
                count = end.frames or 0
                begin = 0 if name == "prefix" else total - count
                item = ClipFrames(partial(self.end_frames, name, end), begin, count)
                yield NamedItem(item, f"{name} {count} {self._name(end.video)}", (begin, begin + count))

    def end_frames(self, name: str, end: ClipEnd) -> FrameChunk:
        """The frames that the clip begins (`prefix`) or ends (`suffix`) with."""
        reader, count = self._reader(end.video, f"{name}.video"), end.frames or 0
        return reader.read(max(0, reader.available() - count) if name == "prefix" else 0, count)

    def reference_picture(self, number: int) -> NDArray[np.uint8]:
        """A reference at the clip's size, `uint8 [height, width, 3]`."""
        shown: NDArray[np.uint8] = self._picture(self._spec.references[number].image)[0]
        return shown

    def control_source(self, number: int) -> DrawnControl:
        """A control's frames, or its motion. Raises SpecError where it is shorter than the clip."""
        control = self._spec.controls[number]
        reader = replace(self._reader(control.video, f"controls.{number}.video"), around=self._around)
        reader.check()
        return DrawnControl(control, reader, self._rules.flow_full, self._ctx.drawers)

    def _control(self, number: int, control: Control) -> NamedItem:
        source = self.control_source(number)
        weight = self._rules.control_weight if control.weight is None else control.weight
        use = Use(weight, control.start, control.end)
        item: ConditioningItem = ControlVideo(source.read, use)
        if control.kind == "flow":
            item = MotionOfClip(source.motion, use) if not control.drawn else ControlVideo(self._stronger(source), use)
        name = f"control {control.model_dump_json(exclude={'video'})} {source.reader.name}{source.by}"
        return NamedItem(item, name)

    def _stronger(self, source: DrawnControl) -> Callable[[int, int], FrameChunk]:
        """A drawn motion by its strength: colours leave white as far as it is fast."""
        factor = 1.0 if self._spec.motion_strength is None else self._spec.motion_strength

        def read(first: int, count: int) -> FrameChunk:
            away = 255.0 - source.read(first, count).astype(np.float32)
            return np.asarray(np.clip(np.rint(255.0 - factor * away), 0, 255), np.uint8)

        return source.read if factor == 1.0 else read

    def _trajectory(self, path: Trajectory) -> NamedItem:
        width, height = self.box(path)
        kind = MovingBox if self._rules.trajectories == "flow" else BoxTrack
        return NamedItem(kind(path, width, height), f"trajectory {path.model_dump_json()} {width:.4f} {height:.4f}")

    def box(self, path: Trajectory) -> tuple[float, float]:
        """The size of the subject's box: as given, or as it is on the start image, or the usual one."""
        found = None if self._subject is None else box_of(self._subject)
        across = SUBJECT_BOX if found is None else found.right - found.left
        down = SUBJECT_BOX if found is None else found.bottom - found.top
        return path.width or across, path.height or down

    def _brush(self, number: int, brush: Brush) -> NamedItem:
        painted = (self._picture(brush.media)[0].mean(axis=2) >= 128).astype(np.float32)
        name = f"brush {number} {brush.model_dump_json(exclude={'media'})} {self._name(brush.media)}"
        return NamedItem(MotionBrush(painted, brush), name)

    @cached_property
    def _subject(self) -> Plane | None:
        """The subject of the start image, where there is one and it is found."""
        if not isinstance(self._spec, ImageToVideo):
            return None
        return subject_of(self._picture(self._spec.image)[0])

    @property
    def _near(self) -> Plane:
        """What the camera is near to: the start image's subject, else the frame's middle."""
        if self._subject is not None:
            return self._subject
        y, x = np.mgrid[0 : self._asked.height, 0 : self._asked.width]
        away = np.hypot((x + 0.5) / self._asked.width - 0.5, (y + 0.5) / self._asked.height - 0.5)
        return np.asarray(away < NEAR, np.float32)

    def _picture(self, ref: MediaRef) -> FrameChunk:
        asked: Any = {"width": self._asked.width, "height": self._asked.height}
        return read_picture(self._ctx.media[ref.key], frame=ref.frame, **asked)

    def _reader(self, ref: MediaRef, field: str) -> ClipReader:
        return ClipReader(self._ctx.media[ref.key], ref, self._asked, field)

    def _name(self, ref: MediaRef) -> str:
        return self._reader(ref, "").name

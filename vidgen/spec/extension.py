"""Which frames of a clip stay when it is made longer. Knows measures only, no files."""

from vidgen.errors import SpecError
from vidgen.spec.clip_shape import frames_at
from vidgen.spec.job import ExtendVideo

EPSILON = 1e-6


def frames_kept(spec: ExtendVideo, num_frames: int, fps: float) -> range:
    """The frames that stay of a clip of `num_frames` at `fps`, counted at the resolved spec's own rate.

    Raises SpecError when the clip has no such frame, naming the nearest.
    """
    rate = spec.fps or fps
    count = frames_at(num_frames, fps, rate)
    if count < 1:
        raise SpecError(f"video: the clip has no frame at {rate:g} frames a second", field="video")
    if spec.direction == "forward":
        return range(_place(spec, num_frames, fps, rate, default=count - 1) + 1)
    return range(_place(spec, num_frames, fps, rate, default=0), count)


def _place(spec: ExtendVideo, num_frames: int, fps: float, rate: float, *, default: int) -> int:
    """The frame next to the new part, at the job's own rate."""
    last = frames_at(num_frames, fps, rate) - 1
    if spec.from_seconds is not None:
        if spec.from_seconds > num_frames / fps:
            nearest = (num_frames - 1) / fps
            raise SpecError(
                f"from_seconds={spec.from_seconds:g}: the clip lasts {num_frames / fps:g}; nearest is {nearest:g}",
                field="from_seconds",
                nearest=(nearest,),
            )
        return min(int(spec.from_seconds * rate + EPSILON), last)
    if spec.from_frame is None:
        return default
    if not -num_frames <= spec.from_frame < num_frames:
        nearest_frame = num_frames - 1 if spec.from_frame > 0 else 0
        raise SpecError(
            f"from_frame={spec.from_frame}: the clip has frames 0 to {num_frames - 1}; nearest is {nearest_frame}",
            field="from_frame",
            nearest=(nearest_frame,),
        )
    return min(int(spec.from_frame % num_frames * rate / fps + EPSILON), last)

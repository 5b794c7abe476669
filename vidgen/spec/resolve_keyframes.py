"""Fills and checks at which frames a clip shows given pictures."""

from collections.abc import Sequence

from vidgen.errors import SpecError
from vidgen.spec.job import ExtendVideo, ImageToVideo, SamplingFields, VideoToVideo
from vidgen.spec.keyframe import Keyframe


def resolved_keyframes(spec: SamplingFields, num_frames: int, fps: int, group: int) -> tuple[Keyframe, ...]:
    """The keyframes with their frames counted from 0, in order of time.

    `group` frames are one latent frame, and can show one picture. Raises SpecError.
    """
    if spec.keyframes and isinstance(spec, VideoToVideo | ExtendVideo):
        raise SpecError(f"keyframes: a {spec.task} job follows its clip; leave them out", field="keyframes")
    places = [_frame(number, key, num_frames, fps) for number, key in enumerate(spec.keyframes)]
    taken = _taken(spec, num_frames)
    loop = spec.long is not None and spec.long.loop
    for number, place in enumerate(places):
        _check_free(number, place, [*taken, *places[:number]], group, loop=loop)
    found = (
        key.model_copy(update={"frame": place, "seconds": None})
        for key, place in zip(spec.keyframes, places, strict=True)
    )
    return tuple(sorted(found, key=lambda key: key.frame or 0))


def _taken(spec: SamplingFields, num_frames: int) -> list[int]:
    """Frames that other fields speak of."""
    if not isinstance(spec, ImageToVideo):
        return []
    return [0] if spec.last_image is None else [0, num_frames - 1]


def _frame(number: int, key: Keyframe, num_frames: int, fps: int) -> int:
    field, last = f"keyframes.{number}", num_frames - 1
    if (key.frame is None) == (key.seconds is None):
        raise SpecError(f"{field}: give frame or seconds", field=field)
    if key.seconds is not None:
        frame = round(key.seconds * fps)
        if frame > num_frames:
            raise SpecError(
                f"{field}.seconds={key.seconds:g}: the clip ends at {last / fps:g}; nearest is {last / fps:g}",
                field=f"{field}.seconds",
                nearest=(last / fps,),
            )
        return min(frame, last)
    frame = key.frame or 0
    if not -num_frames <= frame < num_frames:
        nearest = last if frame > 0 else -num_frames
        raise SpecError(
            f"{field}.frame={frame}: the clip has frames 0 to {last}; nearest is {nearest}",
            field=f"{field}.frame",
            nearest=(nearest,),
        )
    return frame % num_frames


def _check_free(number: int, place: int, others: Sequence[int], group: int, *, loop: bool) -> None:
    """Raise SpecError when another picture is asked for within the same group of frames."""
    begin = 0 if loop else 1

    def latent(frame: int) -> int:
        return (frame - begin) // group

    if any(latent(place) == latent(other) for other in others):
        nearest = tuple(
            frame
            for frame in (begin + latent(place) * group - 1, begin + (latent(place) + 1) * group)
            if frame >= 0 and latent(frame) not in map(latent, others)
        )
        words = " and ".join(map(str, nearest)) or "none"
        raise SpecError(
            f"keyframes.{number}: frame {place} lies among {group} frames that another picture has; nearest: {words}",
            field=f"keyframes.{number}.frame",
            nearest=nearest,
        )

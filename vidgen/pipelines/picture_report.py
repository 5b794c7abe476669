"""Pictures that a clip was to show, beside its frames at those moments, and regions beside what lies around them."""

from collections.abc import Iterator, Mapping
from typing import Any

import cv2
import numpy as np

from vidgen.media.frames import FrameChunk
from vidgen.media.source import read_picture
from vidgen.pipelines.regions import region_painter
from vidgen.pipelines.resolved import Resolved
from vidgen.quality.conditioning.agreement import EQUAL, psnr
from vidgen.runtime.context import RunContext
from vidgen.runtime.verdict import Errors, Verdict
from vidgen.spec import ImageToVideo, MediaRef, SamplingFields

Entry = dict[str, Any]
NOT_ASKED = "the model was not asked what it shows; difference is how far its colours are from those around it"
NOTHING_MADE = "nothing was newly made in its places, or other regions cover them all"
EVERYWHERE = "it covers the whole frame; so there are no other places to set beside it"


def picture_report(frames: FrameChunk, spec: SamplingFields, ctx: RunContext) -> Iterator[Entry]:
    """Each with its field, the moment asked for (`frame` from 0, `seconds`), and the frame's `psnr` to it in dB.

    `elsewhere` is the mean of that over the clip's other frames: what a frame has that nobody asked for.
    """
    asked = Resolved.of(spec)
    for field, frame, ref in _pictures(spec, asked.num_frames):
        if frame < len(frames):
            given = read_picture(ctx.media[ref.key], frame=ref.frame, width=asked.width, height=asked.height)[0]
            near = [psnr(shown, given) for shown in frames]
            others = near[:frame] + near[frame + 1 :]
            yield {
                "picture": field,
                "frame": frame,
                "seconds": round(frame / asked.fps, 3),
                "requested": EQUAL,
                "psnr": round(near[frame], 3),
                "elsewhere": round(float(np.mean(others)), 3),
            }


def region_report(
    frames: FrameChunk, spec: SamplingFields, ctx: RunContext, said: Mapping[str, Verdict]
) -> Iterator[Entry]:
    """Each with the `share` of the picture that it covers, and how far its mean colour is from that of the rest.

    `measured` is by how much its prompt explains what is there better than the clip's own does, `elsewhere` the same of
    all other places: 1 wholly, 0 neither does better, -1 the clip's own does. As `said` by the model, by field.
    """
    lab = [cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for frame in frames]
    for number, region in enumerate(spec.regions):
        painted = region_painter(number, region, spec, ctx)(0, len(frames))
        within = np.broadcast_to(painted[:, 0].numpy() > 0.5, frames.shape[:3])
        away = [
            float(np.linalg.norm(frame[place].mean(0) - frame[~place].mean(0)))
            for frame, place in zip(lab, within, strict=True)
            if place.any() and not place.all()
        ]
        yield {
            "region": number,
            "prompt": region.prompt,
            "weight": region.weight,
            "requested": wholly(region.weight),
            "share": round(float(within.mean()), 3),
            **_as_said(said.get(f"regions.{number}")),
            "difference": round(float(np.mean(away)), 3) if away else None,
        }


def wholly(weight: float | None) -> float | None:
    """What is asked of something whose figure is 1 where it is wholly followed: nothing where its weight is none."""
    return None if weight == 0 else 1.0


def preference(errors: Errors) -> float | None:
    """-1..1, as reports tell it."""
    found = errors.preference
    return None if found is None else round(found, 3)


def _as_said(verdict: Verdict | None) -> Entry:
    if verdict is None:
        return {"measured": None, "elsewhere": None, "why": NOT_ASKED}
    inside, outside = preference(verdict.inside), preference(verdict.outside)
    told: Entry = {"measured": inside, "elsewhere": outside}
    if inside is not None and outside is not None:
        return told
    return told | {"why": NOTHING_MADE if inside is None else EVERYWHERE}


def _pictures(spec: SamplingFields, num_frames: int) -> Iterator[tuple[str, int, MediaRef]]:
    if isinstance(spec, ImageToVideo):
        yield "image", 0, spec.image
        if spec.last_image is not None:
            yield "last_image", num_frames - 1, spec.last_image
    for number, key in enumerate(spec.keyframes):
        yield f"keyframes.{number}", (key.frame or 0) % num_frames, key.image

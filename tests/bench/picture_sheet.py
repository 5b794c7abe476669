"""A contact sheet of pictures that a clip is to show at given frames, on the shipped checkpoint, with figures.

`python -m tests.bench.picture_sheet docs/images/pictures.png`. Each group begins with the same prompt and seed without
them. Seeds are fixed and not chosen.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from tests.bench.conditioning_sheet import BALL, MODEL, ROCKET, SOURCE, source
from vidgen.media.contact_sheet import Filmstrip, write_sheet
from vidgen.media.frames import FrameChunk
from vidgen.media.writer import write_video
from vidgen.pipelines import Residency
from vidgen.pipelines.conditioning_report import ConditioningMeter
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.spec import JOB_SPEC, resolve
from vidgen_models.registry import ModelRegistry

FIRST, MIDDLE, LAST = ({"upload_id": "upl_source", "frame": frame} for frame in (0, 8, 16))

ROWS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ball, nothing given", BALL),
    ("frame 8 given", {**BALL, "keyframes": [{"image": MIDDLE, "frame": 8}]}),
    ("frames 8 and 16 given", {**BALL, "keyframes": [{"image": MIDDLE, "frame": 8}, {"image": LAST, "frame": 16}]}),
    ("first frame given", {**BALL, "image": FIRST}),
    ("first and last given", {**BALL, "image": FIRST, "last_image": LAST}),
    ("rocket, nothing given", ROCKET),
    ("rocket to the ball", {**ROCKET, "keyframes": [{"image": LAST, "frame": 16}]}),
    ("ends as the ball begins", {**ROCKET, "suffix": {"video": SOURCE}}),
)


def main() -> None:
    registry = ModelRegistry()
    residency, rules = Residency(registry), registry.get(MODEL).rules
    strips: dict[tuple[int, int], FrameChunk] = {}
    with TemporaryDirectory() as folder, torch.inference_mode():
        media = {SOURCE.key: write_video([source()], Path(folder) / "source.mp4", fps=8).path}
        for label, fields in ROWS:
            task = "image-to-video" if "image" in fields else "text-to-video"
            spec = resolve(
                JOB_SPEC.validate_python({"task": task, "model": MODEL, "seed": 3, "num_frames": 17} | fields), rules
            )
            ctx = RunContext(media=media)
            meter = ConditioningMeter(spec, ctx, rules.conditioning)
            recipe = pipeline_for(task, residency.model(MODEL), spec.advanced)
            strips[0, len(strips)] = Filmstrip(17).take(meter.through(recipe(spec, ctx)))
            print(f"{label:28}{figures(meter.report())}", flush=True)
    rows, title = [label for label, _ in ROWS], f"{MODEL} revision {registry.get(MODEL).revision}"
    write_sheet(Path(sys.argv[1]), strips, columns=["frames 0, 8 and 16"], rows=rows, title=title, about="")


def figures(report: dict[str, Any]) -> str:
    """How near the frames are to the pictures, beside the others."""
    told = [f"frame {it['frame']}: {it['psnr']} dB, the others {it['elsewhere']}" for it in report.get("pictures", ())]
    told += [f"{it['end']} {it['psnr']} dB" for it in report.get("ends", ())]
    return "; ".join(told)


if __name__ == "__main__":
    main()

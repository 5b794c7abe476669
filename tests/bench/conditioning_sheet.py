"""A contact sheet of what the shipped checkpoint makes of its conditioning items, with the figures measured on each.

`python -m tests.bench.conditioning_sheet docs/images/motion-control.png` makes every item that the manifest declares,
one row each, below the same prompt and seed without it. Seeds are fixed and not chosen.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import torch

from vidgen.media.contact_sheet import Filmstrip, write_sheet
from vidgen.media.frames import FrameChunk
from vidgen.media.writer import write_video
from vidgen.pipelines import Residency
from vidgen.pipelines.conditioning_report import ConditioningMeter
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.spec import JOB_SPEC, MediaRef, resolve
from vidgen_models.registry import ModelRegistry

MODEL = "sprites-64"
SOURCE = MediaRef(upload_id="upl_source")
ROCKET = {"prompt": "a rocket on a blue background", "seed": 3}
BRICK = {"prompt": "a rocket on a brick background", "seed": 4}
PATH = [{"x": 0.3, "y": 0.5}, {"x": 0.7, "y": 0.5}]
BOX = {"left": 0.15, "top": 0.15, "right": 0.85, "bottom": 0.85}
BALL = {"prompt": "a ball on a blue background"}

Row = tuple[str, str, dict[str, Any]]
ROWS: tuple[Row, ...] = (
    ("plain", "", {}),
    ("path to the right", "trajectories", {"trajectories": [{"points": PATH, "width": 0.55, "height": 0.55}]}),
    ("brick, no camera", "", BRICK),
    ("pan left", "camera", {**BRICK, "camera": {"preset": "pan-left"}}),
    ("pan right", "camera", {**BRICK, "camera": {"preset": "pan-right"}}),
    ("zoom in", "camera", {**BRICK, "camera": {"preset": "zoom-in"}}),
    ("roll right", "camera", {**BRICK, "camera": {"preset": "roll-right"}}),
    ("ball, no control", "", BALL),
    ("layout", "layout", {**BALL, "controls": [{"kind": "layout", "video": SOURCE}]}),
    ("canny", "canny", {**BALL, "controls": [{"kind": "canny", "video": SOURCE}]}),
    ("gray", "gray", {**BALL, "controls": [{"kind": "gray", "video": SOURCE}]}),
    ("flow: its motion alone", "flow", {"controls": [{"kind": "flow", "video": SOURCE}]}),
    ("apple in a box", "mask", {"video": SOURCE, "prompt": "an apple on a blue background", "mask": {"box": BOX}}),
    ("begins as the source ends", "ends", {**BALL, "prefix": {"video": SOURCE}}),
)


def main() -> None:
    out = Path(sys.argv[1])
    registry = ModelRegistry(*map(Path, sys.argv[2:]))
    residency, rules = Residency(registry), registry.get(MODEL).rules
    declared = rules.conditioning
    there = {
        "",
        *declared.controls,
        *(name for name in ("mask", "ends", "camera", "trajectories") if getattr(declared, name)),
    }
    strips: dict[tuple[int, int], FrameChunk] = {}
    labels: list[str] = []
    with TemporaryDirectory() as folder, torch.inference_mode():
        media = {SOURCE.key: write_video([source()], Path(folder) / "source.mp4", fps=8).path}
        for label, needs, fields in ROWS:
            if needs not in there:
                continue
            task = "video-to-video" if "video" in fields else "text-to-video"
            asked = {
                "task": task,
                "model": MODEL,
                "prompt": "a rocket on a blue background",
                "seed": 3,
                "num_frames": 17,
            }
            spec = resolve(JOB_SPEC.validate_python(asked | fields), rules)
            ctx = RunContext(media=media)
            meter = ConditioningMeter(spec, ctx, declared)
            model = residency.model(MODEL)
            frames = meter.through(pipeline_for(task, model, spec.advanced)(spec, ctx))
            strips[0, len(labels)] = Filmstrip(17).take(frames)
            labels.append(label)
            print(f"{label:28}{figures(meter.report())}", flush=True)
    write_sheet(
        out, strips, columns=["time"], rows=labels, title=f"{MODEL} revision {registry.get(MODEL).revision}", about=""
    )


def source() -> FrameChunk:
    """A ball with a mark that goes down and to the right, on a ground that fades."""
    ground = np.linspace(60, 120, 64)[:, None, None] * np.ones((1, 64, 3)) * (0.5, 0.8, 1.2)
    frames = np.repeat(np.clip(ground, 0, 255).astype(np.uint8)[None], 17, 0)
    for number, frame in enumerate(frames):
        cv2.circle(frame, (20 + round(1.5 * number), 22 + number), 13, (240, 200, 60), -1)
        cv2.circle(frame, (16 + round(1.5 * number), 18 + number), 4, (90, 40, 20), -1)
    return frames


def figures(report: dict[str, Any]) -> str:
    """Asked and measured in a few words."""
    told = [
        f"{axis} {it['requested']:g} → {it['measured']}"
        for camera in report.get("camera", ())
        for axis, it in camera["axes"].items()
        if it["requested"]
    ]
    told += [f"{it['mean_error']:.1%} of the width off" for it in report.get("trajectories", ()) if "why" not in it]
    told += [f"{it['kind']} {it['measured']}" for it in report.get("controls", ())]
    told += [f"outside {it['outside_psnr']} dB, inside {it['inside_change']}" for it in report.get("mask", ())]
    told += [f"{it['end']} {it['psnr']} dB" for it in report.get("ends", ())]
    return ", ".join(told)


if __name__ == "__main__":
    main()

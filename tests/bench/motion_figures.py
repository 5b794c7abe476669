"""Figures of cameras, paths, extensions and loops of the shipped checkpoint, each beside a clip without it.

`python -m tests.bench.motion_figures` prints a line each. Seeds are fixed and not chosen.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from tests.bench.conditioning_sheet import BALL, BRICK, MODEL, ROCKET, SOURCE, source
from vidgen.media.frames import FrameChunk
from vidgen.media.writer import write_video
from vidgen.pipelines import Residency
from vidgen.pipelines.conditioning_report import ConditioningMeter
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.spec import JOB_SPEC, MediaRef, resolve
from vidgen_models.registry import ModelRegistry

GROUND = MediaRef(upload_id="upl_ground")
KEYED: dict[str, tuple[dict[str, float], ...]] = {
    "rests, then pans": ({"at": 0, "pan": 0}, {"at": 0.5, "pan": 0}, {"at": 1, "pan": 8}),
    "turns back": ({"at": 0, "pan": -6}, {"at": 1, "pan": 6}),
    "pans, then zooms out": (
        {"at": 0, "pan": 4, "zoom": 0},
        {"at": 0.5, "pan": 0, "zoom": 0},
        {"at": 1, "pan": 0, "zoom": -4},
    ),
}
TURNS = [2 * math.pi * n / 8 for n in (*range(8), 0)]
CIRCLE = [{"x": 0.5 + 0.2 * math.sin(turn), "y": 0.5 - 0.2 * math.cos(turn)} for turn in TURNS]


class Bench:
    def __init__(self, folder: Path) -> None:
        self.registry, self.folder = ModelRegistry(), folder
        self.residency, self.rules = Residency(self.registry), self.registry.get(MODEL).rules
        self.media = {SOURCE.key: write_video([source()], folder / "source.mp4", fps=8).path}
        self.media[GROUND.key] = write_video([self.frames(**BRICK)], folder / "ground.mp4", fps=8).path

    def frames(self, **fields: Any) -> FrameChunk:
        spec = self._spec(fields)
        recipe = pipeline_for(spec.task, self.residency.model(MODEL), spec.advanced)
        return np.concatenate(list(recipe(spec, RunContext(media=self.media))))

    def measured(self, item: str, made: FrameChunk, **asked: Any) -> dict[str, Any]:
        """What the report says of frames, as an answer to what is asked."""
        meter = ConditioningMeter(self._spec(asked), RunContext(media=self.media), self.rules.conditioning)
        list(meter.through(iter([made])))
        found: dict[str, Any] = meter.report()[item][0]
        return found

    def asked(self, item: str, **fields: Any) -> dict[str, Any]:
        return self.measured(item, self.frames(**fields), **fields)

    def _spec(self, fields: dict[str, Any]) -> Any:
        asked = {"task": "text-to-video", "model": MODEL, "num_frames": 17} | fields
        return resolve(JOB_SPEC.validate_python(asked), self.rules)


def keyed_cameras(bench: Bench) -> Iterator[str]:
    for label, keys in KEYED.items():
        axes = bench.asked("camera", **BRICK | {"seed": 11}, camera={"keys": keys})["axes"]
        for axis in sorted({name for key in keys for name in key} - {"at"}):
            quarters = [float(np.median(it)) for it in np.array_split(axes[axis]["over_time"], 4)]
            yield f"camera {label}: {axis} by quarters {', '.join(f'{it:.1f}' for it in quarters)}"


def steady_cameras(bench: Bench) -> Iterator[str]:
    plain = bench.frames(**BRICK)
    for axis, speeds in {"pan": (1, 1.7, 3, -3, 6), "tilt": (3, -3), "zoom": (3, -3), "roll": (3, -3)}.items():
        for speed in speeds:
            fields = {**BRICK, "camera": {axis: speed}}
            with_it, without = bench.asked("camera", **fields), bench.measured("camera", plain, **fields)
            yield f"camera {axis} {speed}: {_axis(with_it, axis)}; without {_axis(without, axis)}"


def extensions(bench: Bench) -> Iterator[str]:
    begun = {"task": "extend-video", "video": GROUND, "num_frames": 16, **BRICK}
    plain = bench.frames(**begun)
    for axis in ("pan", "zoom"):
        fields = {**begun, "camera": {axis: 4}}
        with_it, without = bench.asked("camera", **fields), bench.measured("camera", plain, **fields)
        yield f"extension with {axis} 4: {_axis(with_it, axis)}; without {_axis(without, axis)}"


def beside_a_camera(bench: Bench) -> Iterator[str]:
    layout = {**BALL, "controls": [{"kind": "layout", "video": SOURCE}]}
    for seed in (1, 2, 3):
        alone, beside = (
            bench.measured("controls", bench.frames(**layout, **more, seed=seed), **layout)["measured"]
            for more in ({}, {"camera": {"pan": 3}})
        )
        yield f"layout beside a pan of 3, seed {seed}: {beside:.2f}; without the pan {alone:.2f}"
    path = {
        **ROCKET,
        "trajectories": [{"points": [{"x": 0.3, "y": 0.5}, {"x": 0.7, "y": 0.5}], "width": 0.55, "height": 0.55}],
    }
    for label, more in {"alone": {}, "beside a pan of 3": {"camera": {"pan": 3}}}.items():
        yield f"path {label}: {bench.asked('trajectories', **path, **more)['mean_error']:.1%} of the width off"


def strengths(bench: Bench) -> Iterator[str]:
    path = {"points": [{"x": 0.35, "y": 0.5}, {"x": 0.65, "y": 0.5}], "width": 0.5, "height": 0.5}
    for strength in (0, 0.5, 1, 1.6):
        way = bench.asked("trajectories", **ROCKET, trajectories=[path], motion_strength=strength)["measured"]
        yield f"path of 0.3 at a strength of {strength}: {way[-1][0] - way[0][0]:.2f} of the width"


def loops(bench: Bench) -> Iterator[str]:
    path = {"trajectories": [{"points": CIRCLE, "width": 0.5, "height": 0.5}]}
    loop = {**ROCKET, "num_frames": 24, "long": {"loop": True}}
    made, plain = bench.frames(**loop, **path), bench.frames(**loop)
    off = [bench.measured("trajectories", it, **loop, **path)["mean_error"] for it in (made, plain)]
    steps = np.abs(np.diff(made.astype(float), axis=0, append=made[:1])).mean((1, 2, 3))
    yield f"circle in a loop of 24: {off[0]:.1%} of the width off; without the path {off[1]:.1%}"
    others = np.median(steps[:-1])
    yield f"its step from last to first {steps[-1]:.1f} grey levels; the median of the others {others:.1f}"


def _axis(camera: dict[str, Any], axis: str) -> float | None:
    measured: float | None = camera["axes"][axis]["measured"]
    return measured


def main() -> None:
    with TemporaryDirectory() as folder, torch.inference_mode():
        bench = Bench(Path(folder))
        print(f"{MODEL} revision {bench.registry.get(MODEL).revision}")
        for part in (keyed_cameras, steady_cameras, extensions, beside_a_camera, strengths, loops):
            for line in part(bench):
                print(line, flush=True)


if __name__ == "__main__":
    main()

"""Measures a distilled student beside its teacher: the same held-out prompts, seeds and judges for all, in one run.

Run `python -m training.evaluate_distilled --teacher <folder> --student <file of transformer weights>`. The student is
never guided. What it has to reach is its teacher with guidance at as many steps; what it began from, and what it must
beat to be of use, is its teacher without. Predictions of the network a clip are told beside, as they are its cost.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from training import figures
from training.captions import HELD_OUT_TEMPLATES, TEMPLATES, caption
from training.evaluate import even_scenes, generate, motions_of, shuffled, table_row
from training.judges import Judges
from training.sampling import Generator, Settings

SUFFICIENT = 8
"""Steps of the guided teacher that nothing here has to beat: what the service asks for by default."""


def student_of(teacher: Path, weights: Path) -> Generator:
    """The teacher's folder with the student's transformer in place of its own."""
    generator = Generator.load(teacher)
    generator.pipeline.transformer.load_state_dict({k: v.float() for k, v in load_file(weights).items()})
    return generator


def runs(
    teacher: Generator, student: Generator, steps: int, guidance: float
) -> Iterator[tuple[str, Generator, Settings]]:
    """Who is asked, and how."""
    yield f"teacher, guided, {SUFFICIENT} steps", teacher, Settings(SUFFICIENT, guidance)
    yield f"teacher, guided, {steps} steps", teacher, Settings(steps, guidance)
    yield f"teacher without guidance, {steps} steps", teacher, Settings(steps, 1.0)
    yield f"student, {steps} steps", student, Settings(steps, 1.0)
    yield "student, 2 steps", student, Settings(2, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--student", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="not needed; taken so that all evaluations are called alike")
    parser.add_argument("--work", type=Path, default=Path("training-work"))
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--guidance", type=float, default=3.0)
    args = parser.parse_args()
    judges = Judges.load(args.work / "judges.pt")
    known = [motion for motion in motions_of(args.teacher) if motion in judges.known]
    rng = np.random.default_rng(61)
    scenes = even_scenes(args.count, True, rng, known)
    prompts = [caption(s, rng, HELD_OUT_TEMPLATES if i % 3 == 0 else TEMPLATES) for i, s in enumerate(scenes)]
    report: dict[str, object] = {}
    teacher, student = Generator.load(args.teacher), student_of(args.teacher, args.student)
    for name, generator, settings in runs(teacher, student, args.steps, args.guidance):
        clips = generate(generator, prompts, settings, 3000)
        predictions = settings.steps * (1 if settings.guidance == 1 else 2)
        report[name] = {**table_row(judges, clips, scenes), "predictions": predictions}
        print(name, json.dumps(report[name]), flush=True)
        if name == f"student, {args.steps} steps":
            report["shuffled prompts"] = table_row(judges, clips, shuffled(scenes))
            print("shuffled prompts", json.dumps(report["shuffled prompts"]), flush=True)
    of = f"a student of {figures.named(args.teacher)}"
    figures.keep(args.work, "distillation", "python -m training.evaluate_distilled", of, report)


if __name__ == "__main__":
    main()

"""Chooses the seam thresholds on shots of real film and tells both error rates on other shots.

Negatives are the joints of unbroken shots, as if they had been made in chunks; positives are the same shots with one
defect planted at a joint. `--write` puts the thresholds into the package; the tables go to docs/seams.md.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.bench.seams.defects import DEFECTS, Defect
from tests.bench.seams.fades import FADE, FADES
from tests.bench.seams.film import CAMERA, Shot, shots
from vidgen.quality.seams import Joint, JointReport, SeamMeter, Series, judge
from vidgen.quality.seams.report import DRIFT, GHOST, MEASURES
from vidgen.quality.seams.series import REACH, RUN_UP
from vidgen.quality.seams.thresholds import Threshold, Thresholds

EVERY, SPREAD, WIDE = 12, 5, 9
"""Chunks of 12 new frames whose joints spread over five steps: what sprites-64 makes. Wider blends, and cross-fades of
eight frames, spread over nine."""

LONGEST, STRIDES = 72, (1, 2)
QUANTILE = 0.99
"""Each measure may exceed its threshold at this share's rest of the unbroken joints that thresholds are chosen on."""

FLOORS = {
    "colour": 0.08,
    "residual": 0.1,
    "acceleration": 0.1,
    "jump": 0.1,
    "sharpness": 0.03,
    "flash": 0.15,
    "frozen": 0.2,
}
"""About what the 8 bits of a frame and the noise of a decoder do by themselves."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A measured clip; `defect` None is an unbroken one. What is planted begins `at` this frame."""

    shot: Shot
    series: Series
    at: int
    defect: Defect | None = None
    magnitude: float = 0.0


def samples(cache: Path, *, held_out: bool) -> Iterator[Sample]:
    """Every shot unbroken, and with every defect planted in its middle."""
    for stride in STRIDES:
        for shot, whole in shots(cache, held_out=held_out, stride=stride):
            frames = whole[:LONGEST]
            unbroken, at = measured(frames), len(frames) // 2
            yield Sample(shot, unbroken, at)
            for defect in (*DEFECTS, *FADES):
                for magnitude in defect.magnitudes:
                    broken = defect.plant(frames, at, magnitude)
                    # up to the defect both are the same clip, and need not be measured twice
                    same = at - FADE // 2
                    rest = measured(broken[same - RUN_UP :])[RUN_UP:]
                    yield Sample(shot, unbroken[:same] + rest, at, defect, magnitude)


def measured(frames: np.ndarray) -> Series:
    meter = SeamMeter()
    meter.add(frames)
    return meter.series()


def negatives(sample: Sample, limits: Thresholds, spread: int = SPREAD) -> list[JointReport]:
    """All joints of an unbroken shot, with the joints laid three ways."""
    shifted = (_joints(sample, sample.at + shift, spread) for shift in (0, 4, 8))
    return [found for joints in shifted for found in judge(sample.series, joints, limits).joints]


def positive(sample: Sample, limits: Thresholds) -> JointReport:
    """The joint that the defect was planted at; of a creeping defect the last one."""
    joints = _joints(sample, sample.at, WIDE if sample.defect in FADES else SPREAD)
    here = next(n for n, joint in enumerate(joints) if joint.first <= sample.at <= joint.last)
    creeps = sample.defect is not None and sample.defect.by == (DRIFT,)
    return judge(sample.series, joints, limits).joints[-1 if creeps else here]


def _joints(sample: Sample, through: int, spread: int) -> list[Joint]:
    half = spread // 2
    centres = range(through % EVERY, len(sample.series), EVERY)
    return [Joint(at - half, at + half) for at in centres if EVERY // 2 < at < len(sample.series) - half - 3]


def choose(found: Sequence[Sample]) -> Thresholds:
    """Each measure's QUANTILE over the unbroken joints."""
    open_ended = Thresholds(
        {name: Threshold(1.0, floor) for name, floor in FLOORS.items()} | dict.fromkeys((DRIFT, GHOST), Threshold(1.0)),
        {},
    )
    narrow, wide = (
        [joint for sample in found if sample.defect is None for joint in negatives(sample, open_ended, spread)]
        for spread in (SPREAD, WIDE)
    )
    limits = {name: max(1.0, _quantile(narrow, name)) for name in (*REACH, DRIFT)}
    # a ghost is told in joints of either width alike
    limits[GHOST] = max(_quantile(narrow, GHOST), _quantile(wide, GHOST))
    return Thresholds({name: Threshold(round(limit, 2), FLOORS.get(name, 0.0)) for name, limit in limits.items()}, {})


def _quantile(joints: Sequence[JointReport], name: str) -> float:
    return float(np.quantile([it.findings[name].score for it in joints], QUANTILE))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path(".film"), help="where the films are kept")
    parser.add_argument("--write", type=Path, help="the file of thresholds to write")
    options = parser.parse_args()
    chosen_on = list(samples(options.cache, held_out=False))
    limits = choose(chosen_on)
    told_on = list(samples(options.cache, held_out=True))
    tables = "\n\n".join([_false_alarms(limits, chosen_on, told_on), _misses(limits, chosen_on, told_on)])
    print(tables)
    if options.write:
        options.write.write_text(_as_toml(limits, chosen_on, told_on))


def _false_alarms(limits: Thresholds, *groups: Sequence[Sample]) -> str:
    """The share of unbroken joints that each measure, and any of them, calls a seam."""
    lines = ["| unbroken joints above | threshold | on its own shots | on held-out shots |", "|---|---|---|---|"]
    found = [[joint for it in group if it.defect is None for joint in negatives(it, limits)] for group in groups]
    for name in MEASURES:
        shares = [np.mean([name in joint.failed for joint in joints]) for joints in found]
        lines.append(f"| {name} | {limits[name].limit:g} | " + " | ".join(f"{share:.1%}" for share in shares) + " |")
    any_of = [np.mean([bool(joint.failed) for joint in joints]) for joints in found]
    lines.append("| **any** | | " + " | ".join(f"**{share:.1%}**" for share in any_of) + " |")
    wide = [
        np.mean([GHOST in it.failed for sample in group if not sample.defect for it in negatives(sample, limits, WIDE)])
        for group in groups
    ]
    told = f"\nJoints: {len(found[0])} and {len(found[1])}. Joints of {WIDE} steps with a {GHOST}: "
    return "\n".join([*lines, told + " and ".join(f"{share:.1%}" for share in wide)])


def _misses(limits: Thresholds, *groups: Sequence[Sample]) -> str:
    """The share of planted defects that no measure saw, by kind and magnitude, and who saw most of them."""
    lines = [
        "| planted | magnitude | missed, own shots | missed, held-out | seen by (held-out) |",
        "|---|---|---|---|---|",
    ]
    for defect in (*DEFECTS, *FADES):
        for magnitude in defect.magnitudes:
            found = [
                [positive(it, limits) for it in group if (it.defect, it.magnitude) == (defect, magnitude)]
                for group in groups
            ]
            missed = [np.mean([not joint.failed for joint in joints]) for joints in found]
            seen = {name: np.mean([name in joint.failed for joint in found[-1]]) for name in MEASURES}
            by = ", ".join(
                f"{name} {share:.0%}" for name, share in sorted(seen.items(), key=lambda it: -it[1])[:2] if share
            )
            size = f"{magnitude:g} {defect.unit}" if defect.unit else "—"
            lines.append(f"| {defect.name} | {size} | {missed[0]:.0%} | {missed[1]:.0%} | {by} |")
    return "\n".join(lines)


def _as_toml(limits: Thresholds, *groups: Sequence[Sample]) -> str:
    shots_used = [len({(it.shot.film, it.shot.first) for it in group}) for group in groups]
    lines = [
        "# written by `make calibrate-seams`; a limit is a robust z-score, of drift (ΔE) and ghost (log) the value",
        "[provenance]",
        'films = ["Big Buck Bunny trailer (moviepy 2.2.1 source archive, CC-BY 3.0)", '
        f'"bikes and carphone ({CAMERA[0]} {CAMERA[1]} test data)"]',
        f"shots_chosen_on = {shots_used[0]}",
        f"shots_told_on = {shots_used[1]}",
        f"quantile = {QUANTILE}",
        f"joint_every = {EVERY}",
        f"joint_steps = {SPREAD}",
    ]
    for name, threshold in limits.measures.items():
        lines += [f"\n[measures.{name}]", f"limit = {threshold.limit}", f"floor = {threshold.floor}"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

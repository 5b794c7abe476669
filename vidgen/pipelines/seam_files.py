"""The seam report of a long clip as files beside it, and what the receipt says of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidgen.quality.seams import Joint, SeamMeter, SeamReport, judge, plot


@dataclass(frozen=True, slots=True)
class SeamFiles:
    report: SeamReport
    json_file: Path
    plot_file: Path

    def summary(self) -> dict[str, Any]:
        """For the receipt: the verdicts and scores; the files hold the rest."""
        joints = [{"frames": [it.joint.first, it.joint.last], "verdict": it.verdict} for it in self.report.joints]
        scored = [entry | {"score": round(it.score, 4)} for entry, it in zip(joints, self.report.joints, strict=True)]
        return {"verdicts": self.report.verdicts, "joints": scored}


def write_seams(
    meter: SeamMeter, joints: Sequence[Mapping[str, Any]], repairs: Sequence[Mapping[str, Any]], out_dir: Path
) -> SeamFiles:
    """Judge the joints that the run noted and write `seams.json` and `seams.svg` into `out_dir`.

    A joint is `frames` (first and last step), `cut` and `opens`; `repairs` go into the report as they are.
    """
    series = meter.series()
    # a clip that was ended early is shorter than its plan
    named = [_joint(joint) for joint in joints]
    report = judge(series, [joint for joint in named if joint.last < len(series)])
    files = SeamFiles(report, out_dir / "seams.json", out_dir / "seams.svg")
    files.json_file.write_text(json.dumps(report.as_json() | {"repairs": list(repairs)}, indent=2) + "\n")
    files.plot_file.write_text(plot(series, report))
    return files


def _joint(noted: Mapping[str, Any]) -> Joint:
    first, last = noted["frames"]
    return Joint(first, last, cut=noted["cut"], opens=noted["opens"])

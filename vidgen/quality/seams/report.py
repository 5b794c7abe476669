"""The verdict on every joint: what was measured there, against the clip's interior, and whether it may be seen."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vidgen.quality.seams.drift import drifts
from vidgen.quality.seams.ghost import ghosts
from vidgen.quality.seams.joints import Joint, inside, touched
from vidgen.quality.seams.robust import robust_z
from vidgen.quality.seams.series import REACH, Numbers, Series
from vidgen.quality.seams.thresholds import Thresholds, calibrated

VERSION = 1
DRIFT, GHOST = "drift", "ghost"
MEASURES = (*REACH, DRIFT, GHOST)
COLOURS = frozenset({"colour", DRIFT})
"""What is seen of colours that differ."""
ASKED_FOR = COLOURS | {"jump", GHOST}
"""The measures of what another prompt may ask for, other colours and one thing that turns into another: where a new
look begins they are told, and not judged. A jump there is most often its colours; content is in the residual, too."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The worst that one measure found at a joint. `z` is None for drift and ghost, which compare with no interior.

    `frame` is the later frame of the step it was found at; `score` is 1 at the threshold and more is worse. What is not
    `judged` is what another prompt asks for.
    """

    value: float
    z: float | None
    threshold: float
    frame: int
    judged: bool = True

    @property
    def score(self) -> float:
        return max(0.0, self.value if self.z is None else self.z) / self.threshold


@dataclass(frozen=True, slots=True)
class JointReport:
    """`findings` by measure; none for a cut, which is not judged."""

    joint: Joint
    findings: dict[str, Finding]

    @property
    def score(self) -> float:
        """That of its worst measure that is judged; a joint fails above 1."""
        return max((finding.score for finding in self.findings.values() if finding.judged), default=0.0)

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(name for name, it in self.findings.items() if it.judged and it.score > 1)

    @property
    def verdict(self) -> str:
        return "cut" if self.joint.cut else "fail" if self.failed else "pass"


@dataclass(frozen=True, slots=True)
class SeamReport:
    num_frames: int
    joints: tuple[JointReport, ...]

    @property
    def failed(self) -> tuple[int, ...]:
        """Numbers of the joints that fail, from 0."""
        return tuple(n for n, joint in enumerate(self.joints) if joint.verdict == "fail")

    @property
    def verdicts(self) -> dict[str, int]:
        return {word: sum(joint.verdict == word for joint in self.joints) for word in ("pass", "fail", "cut")}

    def as_json(self) -> dict[str, Any]:
        """What `seams.json` holds; docs/long-clips.md describes it."""
        joints = [{"joint": n, **_joint_json(joint)} for n, joint in enumerate(self.joints)]
        return {"version": VERSION, "num_frames": self.num_frames, "verdicts": self.verdicts, "joints": joints}


def judge(series: Series, joints: Sequence[Joint], thresholds: Thresholds | None = None) -> SeamReport:
    """Measure every joint against the steps of the clip that no joint touches."""
    limits = thresholds or calibrated()
    usual = usual_change(series, joints)
    z = {name: z_scores(series, joints, name, limits[name].floor, usual) for name in REACH}
    drifted, dips = drifts(series.places, joints), ghosts(series.column("detail"), joints)
    found = []
    for joint, gone, dip in zip(joints, drifted, dips, strict=True):
        findings = {} if joint.cut else {name: _worst(series, joint, name, z[name], usual, limits) for name in REACH}
        if not joint.cut:
            findings[DRIFT] = Finding(gone, None, limits[DRIFT].limit, joint.last, judged=not joint.opens)
            middle = (joint.first + joint.last) // 2
            findings[GHOST] = Finding(dip, None, limits[GHOST].limit, middle, judged=not joint.opens)
        found.append(JointReport(joint, findings))
    return SeamReport(len(series), tuple(found))


def scan(series: Series, thresholds: Thresholds | None = None) -> SeamReport:
    """Look for seams anywhere: every step above a threshold, neighbours together, judged as joints against the rest."""
    limits = thresholds or calibrated()
    usual = usual_change(series, ())
    above = np.zeros(len(series), bool)
    for name in REACH:
        above |= z_scores(series, (), name, limits[name].floor, usual) > limits[name].limit
    above[0] = False
    return judge(series, _runs(above), limits)


def usual_change(series: Series, joints: Sequence[Joint]) -> float:
    """What an interior step changes, as a median."""
    free = inside(len(series), joints, REACH["frozen"])[1:]
    return float(np.median(series.column("near")[1:][free])) if free.any() else 0.0


def z_scores(series: Series, joints: Sequence[Joint], name: str, floor: float, usual: float) -> Numbers:
    """The robust z-score of every step against the interior ones."""
    values, free = series.measure(name, usual), inside(len(series), joints, REACH[name])
    free[0] = False
    return robust_z(values, values[free], floor)


def _worst(series: Series, joint: Joint, name: str, z: Numbers, usual: float, limits: Thresholds) -> Finding:
    steps = touched(joint, len(series), REACH[name])
    frame = steps.start + int(np.argmax(z[steps]))
    value = float(series.measure(name, usual)[frame])
    judged = not (joint.opens and name in ASKED_FOR)
    return Finding(value, float(z[frame]), limits[name].limit, frame, judged)


def _runs(above: np.ndarray[Any, np.dtype[np.bool_]]) -> list[Joint]:
    """Steps next to each other are one joint; what a measure sees one step later is the same seam."""
    found: list[Joint] = []
    for step in np.flatnonzero(above).tolist():
        if found and step <= found[-1].last + 1 + max(reach[0] for reach in REACH.values()):
            found[-1] = Joint(found[-1].first, step)
        else:
            found.append(Joint(step, step))
    return found


def _joint_json(found: JointReport) -> dict[str, Any]:
    measures = {
        name: {key: _rounded(value) for key, value in asdict(finding).items()} | {"score": _rounded(finding.score)}
        for name, finding in found.findings.items()
    }
    return {
        "frames": [found.joint.first, found.joint.last],
        "verdict": found.verdict,
        "new_prompt": found.joint.opens,
        "score": _rounded(found.score),
        "failed": list(found.failed),
        "measures": measures,
    }


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value

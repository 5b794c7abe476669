"""A seam report as a picture: an SVG file that needs nothing to be read with."""

from collections.abc import Iterator, Sequence
from html import escape

import numpy as np

from vidgen.quality.seams.report import DRIFT, GHOST, SeamReport, usual_change, z_scores
from vidgen.quality.seams.series import REACH, Numbers, Series
from vidgen.quality.seams.thresholds import Thresholds, calibrated

LEFT, TOP, WIDTH, LANE, GAP = 96, 36, 900, 56, 14
MOST = 2.0
"""Scores are drawn up to this; 1, the threshold, is half way up a lane."""

COLOURS = {"pass": "#2e7d32", "fail": "#c62828", "cut": "#9e9e9e"}


def plot(series: Series, report: SeamReport, thresholds: Thresholds | None = None) -> str:
    """A lane a measure: the score of every step, the threshold, and the joints in the colour of their verdict."""
    limits, joints = thresholds or calibrated(), [found.joint for found in report.joints]
    usual = usual_change(series, joints)
    lanes = {name: z_scores(series, joints, name, limits[name].floor, usual) / limits[name].limit for name in REACH} | {
        DRIFT: _drift_lane(report),
        GHOST: _ghost_lane(report),
    }
    height = TOP + len(lanes) * (LANE + GAP) + 20
    drawn = [*_joints(report, height), *_lanes(lanes), *_axis(report.num_frames, height)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 20}" height="{height}" '
        'font-family="sans-serif" font-size="11" role="img">'
        f"<title>{escape(_title(report))}</title>"
        f'<rect width="100%" height="100%" fill="#fff"/><text x="{LEFT}" y="18">{escape(_title(report))}</text>'
        f"{''.join(drawn)}</svg>\n"
    )


def _title(report: SeamReport) -> str:
    return f"{report.num_frames} frames, {len(report.joints)} joints, {len(report.failed)} above a threshold"


def _x(frame: float, num_frames: int) -> float:
    return LEFT + WIDTH * frame / max(1, num_frames - 1)


def _joints(report: SeamReport, height: int) -> Iterator[str]:
    for number, found in enumerate(report.joints):
        left, right = (_x(at, report.num_frames) for at in (found.joint.first - 0.5, found.joint.last + 0.5))
        about = f"joint {number}, frames {found.joint.first} to {found.joint.last}: {found.verdict}"
        failed = f" ({', '.join(found.failed)})" if found.failed else ""
        failed += ", another prompt" if found.joint.opens else ""
        yield (
            f'<rect x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{height - TOP - 24}" '
            f'fill="{COLOURS[found.verdict]}" opacity="0.18"><title>{escape(about + failed)}</title></rect>'
        )


def _lanes(lanes: dict[str, Numbers]) -> Iterator[str]:
    for number, (name, scores) in enumerate(lanes.items()):
        bottom = TOP + number * (LANE + GAP) + LANE
        middle = bottom - LANE / MOST
        yield f'<text x="8" y="{middle + 4}">{name}</text>'
        yield f'<path d="M{LEFT} {bottom}h{WIDTH}" stroke="#ccc"/>'
        yield f'<path d="M{LEFT} {middle}h{WIDTH}" stroke="#c62828" stroke-dasharray="4 3" opacity="0.6"/>'
        yield f'<polyline points="{_points(scores, bottom)}" fill="none" stroke="#1565c0"/>'


def _points(scores: Sequence[float] | Numbers, bottom: int) -> str:
    heights = bottom - LANE / MOST * np.clip(scores, 0, MOST)
    return " ".join(f"{_x(n, len(heights)):.1f},{y:.1f}" for n, y in enumerate(heights))


def _axis(num_frames: int, height: int) -> Iterator[str]:
    for tick in range(0, num_frames, max(1, num_frames // 10)):
        yield f'<text x="{_x(tick, num_frames):.1f}" y="{height - 8}" text-anchor="middle">{tick}</text>'


def _drift_lane(report: SeamReport) -> Numbers:
    """The drift is one number a chunk: a step at every joint."""
    lane = np.zeros(report.num_frames)
    for found in report.joints:
        lane[found.joint.last :] = found.findings[DRIFT].score if DRIFT in found.findings else 0.0
    return lane


def _ghost_lane(report: SeamReport) -> Numbers:
    """The ghost is one number a joint."""
    lane = np.zeros(report.num_frames)
    for found in report.joints:
        lane[found.joint.first : found.joint.last + 1] = found.findings[GHOST].score if GHOST in found.findings else 0.0
    return lane

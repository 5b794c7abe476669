"""Ways of making a long clip, compared by the seam measures: the same prompts and seeds, all in one run.

Ours without and with repairs, beside chunks made on their own and put one after the other, the same cross-faded, and
each chunk animated from the last frame of the one before. The clips are kept under `--work`, and `--kept` measures
those that lie there. `--sheets` draws the frames around every joint, because numbers do not see everything.
"""

import argparse
import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.bench.seams.clips import kept, make_clips
from tests.bench.seams.sheets import draw_sheets
from tests.bench.seams.ways import CHUNKS, FRAMES, WAYS, Scene, joints, scenes
from vidgen.quality.seams import SeamMeter, SeamReport, judge
from vidgen.quality.seams.report import MEASURES

OURS, FADED = "vidgen, repaired", "cross-fade"
RESAMPLES, SURE = 10_000, 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One clip made in one way."""

    scene: Scene
    report: SeamReport
    again: int

    @property
    def share(self) -> float:
        """Of its joints above a threshold."""
        return len(self.report.failed) / len(self.report.joints)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--work", type=Path, default=Path(".seams"), help="where the clips are kept")
    parser.add_argument("--kept", action="store_true", help="make none")
    parser.add_argument("--sheets", action="store_true", help="draw the frames around joints, too")
    options = parser.parse_args()
    asked, folder = scenes(), options.work / "clips"
    if not options.kept:
        shutil.rmtree(folder, ignore_errors=True)
        make_clips(folder, asked, options.processes)
    if options.sheets:
        draw_sheets(folder, asked, options.work / "sheets")
    found = {way: [judged(folder, scene, way) for scene in asked] for way in WAYS}
    print(f"{len(asked)} clips of {CHUNKS} chunks, {FRAMES} frames, {len(asked) * (CHUNKS - 1)} joints each way\n")
    print("\n".join([*_measures(found), "", *_kinds(found), "", *_beside_cross_fades(found)]))


def judged(folder: Path, scene: Scene, way: str) -> Judged:
    made, meter = kept(folder, scene, way), SeamMeter()
    meter.add(made.frames)
    return Judged(scene, judge(meter.series(), joints(way, scene)), made.again)


def _measures(found: dict[str, list[Judged]]) -> Iterator[str]:
    """By way and measure the median, and the share above the threshold."""
    yield "| way | " + " | ".join(MEASURES) + " | joints above a threshold | made again |"
    yield "|" + "---|" * (len(MEASURES) + 3)
    for way, clips in found.items():
        every = [joint for clip in clips for joint in clip.report.joints]
        cells = []
        for name in MEASURES:
            values = [it.findings[name].value if it.findings[name].z is None else it.findings[name].z for it in every]
            above = np.mean([name in it.failed for it in every])
            cells.append(f"{np.median(np.asarray(values, float)):.1f} ({above:.0%})")
        failed = np.mean([it.verdict == "fail" for it in every])
        yield f"| {way} | {' | '.join(cells)} | **{failed:.0%}** | {sum(clip.again for clip in clips)} |"


def _kinds(found: dict[str, list[Judged]]) -> Iterator[str]:
    """By way and what is asked for, the joints above a threshold."""
    kinds = list(dict.fromkeys(clip.scene.kind for clip in found[OURS]))
    yield "| joints above a threshold | " + " | ".join(kinds) + " |"
    yield "|" + "---|" * (len(kinds) + 1)
    for way, clips in found.items():
        of_kind = [[clip for clip in clips if clip.scene.kind == kind] for kind in kinds]
        cells = [f"{sum(len(it.report.failed) for it in part)} of {len(part) * (CHUNKS - 1)}" for part in of_kind]
        yield f"| {way} | {' | '.join(cells)} |"


def _beside_cross_fades(found: dict[str, list[Judged]]) -> Iterator[str]:
    """How sure it is that ours has fewer joints above a threshold than cross-fades, clip by clip."""
    for ours in ("vidgen", OURS):
        yield _difference(f"{ours}, any measure", found[ours], found[FADED], lambda it: it.share)
        yield _difference(f"{ours}, without ghost", found[ours], found[FADED], _without_ghost)


def _without_ghost(clip: Judged) -> float:
    return float(np.mean([bool(set(joint.failed) - {"ghost"}) for joint in clip.report.joints]))


def _difference(name: str, ours: Sequence[Judged], theirs: Sequence[Judged], share: Callable[[Judged], float]) -> str:
    """The mean difference of the shares with its interval from clips drawn again (a seeded bootstrap over clips, whose
    joints are not independent), and the sign test over clips, two-sided and exact."""
    pairs = np.array([share(a) - share(b) for a, b in zip(ours, theirs, strict=True)])
    drawn = np.random.default_rng(0).choice(pairs, (RESAMPLES, len(pairs))).mean(1)
    low, high = np.quantile(drawn, [(1 - SURE) / 2, (1 + SURE) / 2])
    fewer, more = int((pairs < 0).sum()), int((pairs > 0).sum())
    return (
        f"{name}: {pairs.mean():+.1%} of the joints beside {FADED} ({SURE:.0%}: {low:+.1%} to {high:+.1%}); fewer in "
        f"{fewer} clips, more in {more}, p = {sign_test(fewer, more):.2g}"
    )


def sign_test(fewer: int, more: int) -> float:
    """The chance of so uneven a split, or one more uneven, of fair coins."""
    n, k = fewer + more, min(fewer, more)
    return min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n)


if __name__ == "__main__":
    main()

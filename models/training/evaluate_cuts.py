"""Measures the cut detector on a film: cuts that it misses, and fast motion that it takes for a cut.

Run `python -m training.evaluate_cuts`. Three measurements: the film as it is, whose alarms and near-alarms were looked
at one by one (NO_CUTS are the wrong ones); frames of different shots side by side, every one a cut; and frames of one
shot that are up to six frames apart, which is the motion of a film at 4 frames a second.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.film import decode
from training.sources import film_file
from vidgen.media.cuts import SIDE, THRESHOLD, cut_score

# seen by eye: a whip pan, a fade to black, a title that fades within three frames
NO_CUTS = (10674, 11058, 13919, 13920)
# every frame that scored above this was looked at, and no further cut was among them
LOOKED_AT = 0.35
STEPS = (1, 2, 3, 6)
JOINS = 600
MOVING = 600


def small_frames(film: Path, work: Path) -> NDArray[np.uint8]:
    """The whole film as the detector sees it, [n, SIDE, SIDE, 3], decoded once."""
    file = work / "film-64.npy"
    if not file.exists():
        np.save(file, np.stack(list(decode(film, height=SIDE, stretch_to=SIDE))))
    return np.load(file)


def alarms(frames: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Numbers of the frames with which the detector sees a new shot begin."""
    scores = [cut_score(before, after) for before, after in pairwise(frames)]
    return 1 + np.flatnonzero(np.array(scores) > THRESHOLD)


def joined(frames: NDArray[np.uint8], cuts: NDArray[np.int64], rng: np.random.Generator) -> float:
    """Share of random neighbours out of two shots that pass for one shot."""
    shot = np.searchsorted(cuts, np.arange(len(frames)), side="right")
    missed = 0
    for _ in range(JOINS):
        a, b = rng.integers(0, len(frames), 2)
        while shot[a] == shot[b] or frames[a].std() < 8 or frames[b].std() < 8:
            a, b = rng.integers(0, len(frames), 2)
        missed += cut_score(frames[a], frames[b]) <= THRESHOLD
    return missed / JOINS


def moving(frames: NDArray[np.uint8], cuts: NDArray[np.int64], step: int, rng: np.random.Generator) -> float:
    """Share of pairs of one shot, `step` frames apart, that pass for a cut."""
    shot = np.searchsorted(cuts, np.arange(len(frames)), side="right")
    starts = np.flatnonzero(shot[:-step] == shot[step:])
    chosen = rng.choice(starts, MOVING, replace=False)
    return float(np.mean([cut_score(frames[i], frames[i + step]) > THRESHOLD for i in chosen]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path("training-cache"))
    parser.add_argument("--work", type=Path, default=Path("training-work"))
    args = parser.parse_args()
    film = film_file(args.cache)
    assert film is not None, "the film's package could not be fetched"
    frames = small_frames(film, args.work)
    found = alarms(frames)
    wrong = np.intersect1d(found, NO_CUTS)
    cuts = np.setdiff1d(found, NO_CUTS)
    rng = np.random.default_rng(0)
    print(f"film: {len(found)} alarms in {len(frames)} frames, {len(wrong)} of them no cuts: {wrong.tolist()}")
    print(f"joined shots: {joined(frames, cuts, rng):.1%} of {JOINS} cuts missed")
    for step in STEPS:
        print(f"one shot, {step} frames apart: {moving(frames, cuts, step, rng):.1%} of {MOVING} taken for cuts")


if __name__ == "__main__":
    main()

"""Ways of making a long clip: ours without and with repairs, and those it is compared with.

Every way gives clips of the same length with joints at the same frames. Knows no measures.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from tests.bench.seams.fades import FADE, cross_faded
from vidgen.media.frames import FrameChunk
from vidgen.quality.seams import Joint

CHUNKS, OPENING, NEW = 8, 25, 12
FRAMES = OPENING + (CHUNKS - 1) * NEW
SPREAD = 4

TURN = 4
"""The first chunk of a story's second part."""

SUBJECTS = (
    "a cat",
    "a dog",
    "a rocket",
    "a balloon",
    "a fish",
    "a car",
    "an apple",
    "a star",
    "a robot",
    "an umbrella",
)
SPINS, LEAVES = "{} spins on a blue background", "{} moves left on a green background"
STOPS_SPINNING = "{} moves left on a blue background"


@dataclass(frozen=True, slots=True)
class Scene:
    """What a clip is asked for: one prompt, or two of which the second begins with chunk TURN."""

    kind: str
    prompts: tuple[str, ...]
    seed: int

    def prompt(self, chunk: int) -> str:
        return self.prompts[0 if chunk < TURN else -1]

    def opens(self, chunk: int) -> bool:
        """The chunk that turns to another prompt, and the next, which is the first to show its colours throughout."""
        return len(self.prompts) > 1 and chunk in (TURN, TURN + 1)


def scenes() -> list[Scene]:
    """Sixteen of one prompt, eight that change motion or subject on the way; each with a seed of its own."""
    spin = [("spins", (SPINS.format(it),)) for it in SUBJECTS]
    leave = [("moves left", (LEAVES.format(it),)) for it in SUBJECTS]
    turn = [("other motion", (SPINS.format(it), STOPS_SPINNING.format(it))) for it in SUBJECTS[::2]]
    swap = [("other subject", (SPINS.format(a), SPINS.format(b))) for a, b in pairwise((*SUBJECTS[1::2], SUBJECTS[1]))]
    asked = [*spin, *leave, *turn, *swap]
    return [Scene(kind, prompts, n + 1) for n, (kind, prompts) in enumerate(asked)]


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A clip; how many chunks were made again for it."""

    frames: FrameChunk
    again: int = 0


def ours(scene: Scene, *, rerolls: int = 0) -> Made:
    """As `vidgen render --seconds` does it."""
    from vidgen.spec import LongFields, Segment, TextToVideo

    told: list[Any] = []
    parts = (FRAMES,) if len(scene.prompts) == 1 else (OPENING + (TURN - 1) * NEW, (CHUNKS - TURN) * NEW)
    segments = tuple(Segment(prompt=it, frames=n) for it, n in zip(scene.prompts, parts, strict=True))
    story: dict[str, Any] = {"segments": segments} if len(segments) > 1 else {"num_frames": FRAMES}
    spec = TextToVideo(prompt=scene.prompts[0], seed=scene.seed, long=LongFields(rerolls=rerolls), **story)

    def note(section: str, entry: Any) -> None:
        if section == "repairs" and entry["attempt"] not in ("first", "colour match"):
            told.append(entry)

    return Made(_rendered(spec, chunks=_store(scene), note=note), len(told))


def repaired(scene: Scene) -> Made:
    return ours(scene, rerolls=1)


def concatenated(scene: Scene) -> Made:
    """Every chunk on its own, one after the other."""
    pieces = [_alone(scene, n, OPENING if n == 0 else NEW + 1) for n in range(CHUNKS)]
    return Made(np.concatenate([pieces[0], *(piece[:NEW] for piece in pieces[1:])]))


def faded(scene: Scene) -> Made:
    """Every chunk on its own, each laid over the end of the one before."""
    clip = _alone(scene, 0, OPENING)
    for n in range(1, CHUNKS):
        clip = cross_faded(clip, _alone(scene, n, FADE + NEW + 1)[: FADE + NEW], FADE)
    return Made(clip)


def chained(scene: Scene) -> Made:
    """Every chunk animates the last frame of the one before."""
    from vidgen.spec import ImageToVideo, MediaRef

    clip, last = _alone(scene, 0, OPENING), MediaRef(upload_id="upl_last")
    for n in range(1, CHUNKS):
        with TemporaryDirectory() as folder:
            picture = Path(folder) / "last.png"
            Image.fromarray(clip[-1]).save(picture)
            seed = _seed(scene, n)
            spec = ImageToVideo(prompt=scene.prompt(n), image=last, seed=seed, num_frames=NEW + 1)
            clip = np.concatenate([clip, _rendered(spec, media={last.key: picture})[1:]])
    return Made(clip)


WAYS: dict[str, Callable[[Scene], Made]] = {
    "vidgen": ours,
    "vidgen, repaired": repaired,
    "cross-fade": faded,
    "last frame": chained,
    "concatenation": concatenated,
}


def joints(way: str, scene: Scene) -> list[Joint]:
    """The first frames of all chunks but the first end the stretches that their joints may spread over."""
    spread = FADE if way == "cross-fade" else SPREAD
    starts = range(OPENING, FRAMES, NEW)
    return [Joint(at - spread, at, opens=scene.opens(n)) for n, at in enumerate(starts, 1)]


def _alone(scene: Scene, n: int, frames: int) -> FrameChunk:
    from vidgen.spec import TextToVideo

    return _rendered(TextToVideo(prompt=scene.prompt(n), seed=_seed(scene, n), num_frames=frames))


def _seed(scene: Scene, n: int) -> int:
    return scene.seed if n == 0 else 1000 * scene.seed + n


def _rendered(spec: Any, **context: Any) -> FrameChunk:
    import torch

    from vidgen.pipelines.factory import pipeline_for
    from vidgen.runtime.context import RunContext
    from vidgen.spec import resolve

    residency = _residency()
    resolved = resolve(spec, residency.registry.get(spec.model).rules)
    with torch.inference_mode():
        pieces = pipeline_for(resolved.task, residency.model(resolved.model))(resolved, RunContext(**context))
        return np.concatenate(list(pieces))


@cache
def _residency() -> Any:
    from vidgen.runtime.threads import wait_without_spinning

    wait_without_spinning()
    import torch

    from vidgen.pipelines import Residency
    from vidgen_models.registry import ModelRegistry

    found = Residency(ModelRegistry())
    torch.set_num_threads(1)
    return found


@cache
def _store(scene: Scene) -> Any:  # noqa: ARG001
    """What was made without repairs is found again with them."""
    from vidgen.runtime.chunks import MemoryChunkStore

    return MemoryChunkStore()

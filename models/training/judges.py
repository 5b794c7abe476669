"""The judges of generated clips: a subject classifier, a motion classifier and a measure of the background's colour.

They are trained on real renders only (partly blurred, because every autoencoder blurs) and must prove themselves on
renders they have not seen before anything generated is shown to them. Run `python -m training.judges` to train and
check them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from training import device as devices
from training.ahead import batches
from training.canvas import SMALL, UNITS, Canvas
from training.captions import Scene, random_scene
from training.device import half_precision
from training.grounds import PLAIN
from training.optimiser import for_module
from training.places import MOTIONS
from training.render import render_clip
from training.sprites import Sprite, load_sprites
from training.stage import Stage, options
from training.subjects import COMMON, Library

WATCHED = tuple(i / 8 for i in range(9))  # nine moments of a clip are enough to tell its motion
MOTION_SIDE, BATCH = 32, 48
CHECKED = 300  # real clips that they must prove themselves on
LOOKED_AT = (0.0, 0.3, 0.65, 1.0)


def network(channels: int, classes: int, widths: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for into, out in zip([channels, *widths[:-1]], widths, strict=True):
        layers += [nn.Conv2d(into, out, 3, stride=2, padding=1), nn.GroupNorm(8, out), nn.SiLU()]
    layers += [nn.Conv2d(widths[-1], widths[-1], 3, padding=1), nn.SiLU(), nn.Flatten(), nn.LazyLinear(classes)]
    return nn.Sequential(*layers)


def blurred(clip: NDArray[np.uint8], rng: np.random.Generator, canvas: Canvas = SMALL) -> NDArray[np.float32]:
    """The clip as floats in [-1, 1], half the time blurred and always a little noisy."""
    x = clip.astype(np.float32) / 127.5 - 1
    if rng.uniform() < 0.6:
        sigma = rng.uniform(0.4, 1.4) * canvas.scale
        x = np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in x])
    return x + rng.normal(0, rng.uniform(0, 0.05), x.shape).astype(np.float32)


def pick(clips: NDArray[np.uint8], moments: Sequence[float]) -> NDArray[np.uint8]:
    """The frames at `moments` (0 is the first, 1 the last); ... T H W 3."""
    frames = np.round(np.asarray(moments) * (clips.shape[-4] - 1)).astype(int)
    return clips[..., frames, :, :, :]


def motion_input(clips: Tensor) -> Tensor:
    """B 9 H W 3 in [-1, 1] to B 27 32 32, whatever the clips' side, less the first frame's border colour: colours do
    not matter."""
    x = clips.permute(0, 1, 4, 2, 3).flatten(1, 2)
    ground = x[:, :, 0, :].median(dim=-1).values[:, :, None, None]
    return F.avg_pool2d(x - ground, x.shape[-1] // MOTION_SIDE)


@dataclass(frozen=True, slots=True, eq=False)
class Judges:
    """`known` are the motions that the motion classifier tells apart, `names` the subjects that the other
    one does; `side` is that of the clips they judge."""

    subject_net: nn.Module
    motion_net: nn.Module
    known: tuple[str, ...] = MOTIONS
    side: int = UNITS
    names: tuple[str, ...] = COMMON.names

    @classmethod
    def untrained(
        cls, known: tuple[str, ...] = MOTIONS, side: int = UNITS, names: tuple[str, ...] = COMMON.names
    ) -> Judges:
        torch.manual_seed(0)
        subject, motion = network(3, len(names), (32, 64, 128, 128)), network(27, len(known), (48, 96, 128))
        subject(torch.zeros(1, 3, side, side)), motion(torch.zeros(1, 27, MOTION_SIDE, MOTION_SIDE))
        return cls(subject, motion, known, side, names)

    @classmethod
    def load(cls, path: Path) -> Judges:
        state = torch.load(path, weights_only=True, map_location="cpu")
        motions = MOTIONS[: len(state["motion"]["12.bias"])]  # motions are only ever added at the end
        judges = cls.untrained(motions, state.get("side", UNITS), tuple(state.get("names", COMMON.names)))
        judges.subject_net.load_state_dict(state["subject"])
        judges.motion_net.load_state_dict(state["motion"])
        return judges

    @property
    def device(self) -> torch.device:
        return next(self.subject_net.parameters()).device

    def to(self, device: torch.device) -> Judges:
        """The same judges, moved."""
        self.subject_net.to(device), self.motion_net.to(device)
        return self

    def save(self, path: Path) -> None:
        nets = {"subject": self.subject_net.state_dict(), "motion": self.motion_net.state_dict()}
        torch.save({**nets, "side": self.side, "names": list(self.names)}, path)

    @torch.no_grad()
    def subjects(self, clips: NDArray[np.uint8]) -> list[str]:
        """The subject seen in each of B clips (T H W 3), by four of its frames together."""
        frames = torch.from_numpy(pick(clips, LOOKED_AT).copy()).to(self.device).float() / 127.5 - 1
        logits = self.subject_net(frames.flatten(0, 1).permute(0, 3, 1, 2)).log_softmax(-1)
        return [self.names[i] for i in logits.unflatten(0, (-1, len(LOOKED_AT))).mean(1).argmax(-1)]

    @torch.no_grad()
    def motions(self, clips: NDArray[np.uint8]) -> list[str]:
        frames = torch.from_numpy(pick(clips, WATCHED).copy()).to(self.device).float() / 127.5 - 1
        return [self.known[i] for i in self.motion_net(motion_input(frames)).argmax(-1)]

    @staticmethod
    def backgrounds(clips: NDArray[np.uint8]) -> list[str]:
        """The named colour nearest to the median of each clip's outermost pixels."""
        ring = np.concatenate([clips[:, :, 0], clips[:, :, -1], clips[:, :, :, 0], clips[:, :, :, -1]], axis=2)
        colour = np.median(ring.reshape(len(clips), -1, 3), axis=1)
        table = np.array(list(PLAIN.values()))
        return [list(PLAIN)[i] for i in ((colour[:, None] - table) ** 2).sum(-1).argmin(1)]

    def scores(self, clips: NDArray[np.uint8], scenes: Sequence[Scene]) -> dict[str, NDArray[np.bool_]]:
        """Whether each clip shows what its scene asks for, aspect by aspect."""
        seen = {"subject": self.subjects(clips), "motion": self.motions(clips), "background": self.backgrounds(clips)}
        return {
            k: np.array([getattr(s, k) == v for s, v in zip(scenes, values, strict=True)]) for k, values in seen.items()
        }


def real_clips(
    sprites: dict[str, Sprite],
    count: int,
    rng: np.random.Generator,
    known: Collection[str] = MOTIONS,
    canvas: Canvas = SMALL,
    library: Library = COMMON,
) -> tuple[NDArray[np.uint8], list[Scene]]:
    """`count` renders of `known` motions, and what they show."""
    drawn = (random_scene(rng, None, library=library) for _ in range(100 * count))
    scenes = list(islice((scene for scene in drawn if scene.motion in known), count))
    clips = [render_clip(sprites[s.subject], s.motion, s.background, rng, canvas=canvas) for s in scenes]
    return np.stack(clips), scenes


@dataclass(frozen=True, slots=True)
class Drawn:
    """Batches of 48 clips as the judges see them (B 9 H W 3), two of each clip's frames to tell the subject by, and the
    numbers of subjects and motions."""

    stage: Stage

    def load(self) -> Callable[[np.random.Generator], tuple[NDArray[np.float32], NDArray[np.int64], list[Scene]]]:
        stage, canvas = self.stage, self.stage.canvas
        sprites = load_sprites(stage.cache, canvas, stage.library)

        def draw(rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.int64], list[Scene]]:
            scenes, clips = [random_scene(rng, None, library=stage.library) for _ in range(BATCH)], []
            for s in scenes:
                clip = render_clip(sprites[s.subject], s.motion, s.background, rng, canvas=canvas)
                clips.append(blurred(pick(clip, WATCHED), rng, canvas).astype(np.float32))
            return np.stack(clips), rng.choice(len(WATCHED), 2, replace=False), scenes

        return draw


def train(stage: Stage, minutes: float, drawers: int = 0) -> Judges:
    device = stage.device
    judges = Judges.untrained(side=stage.canvas.side, names=stage.library.names).to(device)
    nets, drawn = nn.ModuleList([judges.subject_net, judges.motion_net]), batches(Drawn(stage), (5,), drawers)
    optimiser, begin, step = for_module(nets, 0.01, 0.1), time.monotonic(), 0
    while (progress := (time.monotonic() - begin) / (minutes * 60)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = 0.01 * min(1, (step + 1) / 30) * (1 - progress) + 1e-5
        clips, looked_at, scenes = next(drawn)
        video = torch.from_numpy(clips).to(device)
        stills = video[:, looked_at.tolist()].flatten(0, 1).permute(0, 3, 1, 2)
        subject = torch.tensor([judges.names.index(s.subject) for s in scenes], device=device).repeat_interleave(2)
        motion = torch.tensor([MOTIONS.index(s.motion) for s in scenes], device=device)
        with half_precision(device):
            seen, moved = judges.subject_net(stills), judges.motion_net(motion_input(video))
        one, two = F.cross_entropy(seen.float(), subject), F.cross_entropy(moved.float(), motion)
        (one + two).backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
        if step % 50 == 0:
            print(f"{step} {progress * minutes:.2f} min subject {one.item():.3f} motion {two.item():.3f}", flush=True)
    return judges


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--processes", type=int, default=1, help="that draw for a GPU")
    args = parser.parse_args()
    stage = Stage.of(args)
    devices.prepare(stage.device)
    sprites = load_sprites(stage.cache, stage.canvas, stage.library)
    _, drawers = devices.shared_out(stage.device, args.processes)
    judges = train(stage, args.minutes or stage.preset.judges_minutes, drawers)
    judges.save(stage.work / "judges.pt")
    clips, scenes = real_clips(sprites, CHECKED, np.random.default_rng(99), canvas=stage.canvas, library=stage.library)
    print({k: float(v.mean()) for k, v in judges.scores(clips, scenes).items()})


if __name__ == "__main__":
    main()

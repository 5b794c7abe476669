"""Plays the worker for tests of the web process: claims real rows, reports, and publishes small real files."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidgen.jobs.service import ControlPlane
from vidgen.jobs.views import Claim, FinishedFile
from vidgen.spec import Progress, Stage

LEASE_SECONDS = 60.0


def picture(shift: int, size: int = 64) -> NDArray[np.uint8]:
    """A light square on a blue ground, `shift` pixels from the left."""
    frame = np.full((size, size, 3), (60, 90, 190), np.uint8)
    frame[20:44, shift % (size - 24) : shift % (size - 24) + 24] = (250, 210, 90)
    return frame


def write_clip(file: Path, num_frames: int, fps: int, size: int = 64) -> None:
    """An MP4 that browsers play: `picture` moving to the right."""
    with av.open(str(file), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "20", "preset": "ultrafast"})
        stream.width = stream.height = size
        stream.pix_fmt = "yuv420p"
        for n in range(num_frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(2 * n, size), format="rgb24")))
        container.mux(stream.encode())


def jpeg(frame: NDArray[np.uint8]) -> bytes:
    buffer = BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


@dataclass
class SimulatedWorker:
    """One worker's claim at a time, driven by the test."""

    plane: ControlPlane
    name: str = "test-worker"

    def claim(self) -> Claim:
        claim = self.plane.jobs.claim(self.name, LEASE_SECONDS)
        assert claim is not None, "nothing is queued"
        return claim

    def step(self, claim: Claim, step: int, of: int, *, preview: bool = True, chunk: tuple[int, int] = (0, 0)) -> None:
        """Report one denoising step, with a preview picture; `chunk` is which of how many."""
        image = jpeg(picture(step)) if preview else None
        if image is not None:
            self.plane.store.replace_preview(claim.job_id, claim.attempt, image)
        progress = Progress(Stage.DENOISING, step / (of + 1), step, of, image, *chunk)
        self.plane.jobs.report(claim, progress, eta_seconds=float(of - step))

    def succeed(
        self,
        claim: Claim,
        joints: Sequence[Mapping[str, object]] = (),
        conditioning: Mapping[str, object] | None = None,
        num_frames: int | None = None,
    ) -> None:
        """Publish a clip of the length asked for, or of `num_frames`, its poster, a sprite sheet and a receipt; a
        report of `joints`, and one of `conditioning` items."""
        num_frames, fps = num_frames or claim.spec.num_frames or 5, claim.spec.fps or 8
        draft = self.plane.store.scratch_path(claim.job_id, claim.attempt)
        draft.mkdir(parents=True)
        write_clip(draft / "video.mp4", num_frames, fps)
        (draft / "poster.jpg").write_bytes(jpeg(picture(0)))
        (draft / "sprite_sheet.jpg").write_bytes(jpeg(picture(0)))
        (draft / "receipt.json").write_text("{}")
        more = []
        if joints:
            (draft / "seams.json").write_text(json.dumps({"joints": list(joints)}))
            more = [self._file(claim, "seams", draft / "seams.json", "application/json", {})]
        if conditioning is not None:
            (draft / "conditioning.json").write_text(json.dumps(conditioning))
            more.append(self._file(claim, "conditioning", draft / "conditioning.json", "application/json", {}))
        size = {"width": 64, "height": 64}
        length = {"num_frames": num_frames, "fps": float(fps)}
        files = [
            self._file(claim, "video", draft / "video.mp4", "video/mp4", {**size, **length}),
            self._file(claim, "poster", draft / "poster.jpg", "image/jpeg", size),
            self._file(claim, "sprite_sheet", draft / "sprite_sheet.jpg", "image/jpeg", {**size, "num_frames": 1}),
            self._file(claim, "receipt", draft / "receipt.json", "application/json", {}),
        ]
        self.plane.jobs.succeed(claim, [*files, *more])

    def run(self, steps: int = 2) -> str:
        """Claim, report and succeed; returns the job's id."""
        claim = self.claim()
        for step in range(1, steps + 1):
            self.step(claim, step, steps)
        self.succeed(claim)
        return claim.job_id

    def _file(self, claim: Claim, kind: str, source: Path, content_type: str, facts: dict[str, object]) -> FinishedFile:
        store = self.plane.store
        stored = store.publish(source, store.artifact_path(claim.job_id, claim.attempt, source.name))
        return FinishedFile(
            kind=kind,  # type: ignore[arg-type]
            key=stored.key,
            filename=source.name,
            content_type=content_type,
            size=stored.size,
            sha256=stored.sha256,
            **facts,  # type: ignore[arg-type]
        )

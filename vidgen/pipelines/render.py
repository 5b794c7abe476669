"""A resolved spec to the files a user gets: the clip, its poster, its sprite sheet, and how it was made."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from vidgen.media.delivery.deliver import check_encoder, deliver
from vidgen.media.delivery.written import WrittenVideo
from vidgen.media.frames import FrameChunk
from vidgen.media.sprite_sheet import SpriteSheet
from vidgen.media.still import write_poster
from vidgen.pipelines.factory import pipeline_for
from vidgen.pipelines.receipt import FrameHash, make_receipt, make_recipe
from vidgen.pipelines.residency import Residency
from vidgen.pipelines.resolved import Resolved
from vidgen.runtime.context import RunContext
from vidgen.spec import FORMATS, JobSpec, Progress, Stage


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """One finished file: `kind` is video, poster, sprite_sheet or receipt; sizes are given for pictures and clips.

    Of a sprite sheet, `num_frames` says how many frames it shows.
    """

    kind: str
    path: Path
    content_type: str
    width: int | None = None
    height: int | None = None
    num_frames: int | None = None
    fps: float | None = None


@dataclass(frozen=True, slots=True)
class RenderResult:
    files: tuple[RenderedFile, ...]

    @property
    def video(self) -> RenderedFile:
        return next(file for file in self.files if file.kind == "video")


def render(spec: JobSpec, ctx: RunContext, out_dir: Path, residency: Residency) -> RenderResult:
    """Run the task and write the clip, `poster.jpg`, `sprite_sheet.jpg` and `receipt.json` into `out_dir`.

    Frames stream from the decoder into the encoder. Raises VidgenError (Cancelled, ModelError, MediaError, …); then
    no half file is left behind.
    """
    check_encoder(spec.output)
    ctx.report(Progress(Stage.LOADING, 0.0))
    manifest = residency.registry.get(spec.model)
    model = residency.model(spec.model, ctx.memory_tier)
    ctx.checkpoint()
    ctx.report(Progress(Stage.ENCODING, 0.05))
    hashes, poster, sheet = FrameHash(), out_dir / "poster.jpg", SpriteSheet(Resolved.of(spec).num_frames)
    with torch.inference_mode():
        frames = hashes.through(pipeline_for(spec.task, model)(spec, ctx))
        video = deliver(
            _with_poster(sheet.through(frames), poster),
            out_dir,
            output=spec.output,
            fps=Resolved.of(spec).fps,
            recipe=make_recipe(spec, manifest, ctx),
        )
    ctx.report(Progress(Stage.PUBLISHING, 0.96))
    receipt = out_dir / "receipt.json"
    receipt.write_text(json.dumps(make_receipt(spec, manifest, residency.device, hashes), indent=2) + "\n")
    return RenderResult(files=(*_files(spec, video, poster, receipt), _sheet_file(sheet, out_dir / "sprite_sheet.jpg")))


def _with_poster(chunks: Iterator[FrameChunk], path: Path) -> Iterator[FrameChunk]:
    """Pass the frames on, and keep the first one as the poster."""
    first = True
    for chunk in chunks:
        if first:
            write_poster(chunk[:1], path)
            first = False
        yield chunk


def _files(spec: JobSpec, video: WrittenVideo, poster: Path, receipt: Path) -> tuple[RenderedFile, ...]:
    content_type = FORMATS[spec.output.format].content_type
    return (
        RenderedFile("video", video.path, content_type, video.width, video.height, video.num_frames, video.fps),
        RenderedFile("poster", poster, "image/jpeg", video.width, video.height),
        RenderedFile("receipt", receipt, "application/json"),
    )


def _sheet_file(sheet: SpriteSheet, path: Path) -> RenderedFile:
    width, height = sheet.write(path)
    return RenderedFile("sprite_sheet", path, "image/jpeg", width, height, num_frames=sheet.num_tiles)

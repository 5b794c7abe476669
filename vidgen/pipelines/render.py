"""A resolved spec to the files a user gets: the clip, its poster, its sprite sheet, and how it was made."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from vidgen.media.delivery.deliver import check_encoder, deliver
from vidgen.media.delivery.sound import Soundtrack
from vidgen.media.delivery.written import WrittenVideo
from vidgen.media.frames import FrameChunk
from vidgen.media.sprite_sheet import SpriteSheet
from vidgen.media.still import write_poster
from vidgen.media.wav import WAV, write_wav
from vidgen.pipelines.conditioning_report import ConditioningMeter, is_conditioned, is_judged
from vidgen.pipelines.estimation import drawers_of
from vidgen.pipelines.factory import pipeline_for
from vidgen.pipelines.post_tools import tools_of
from vidgen.pipelines.receipt import FrameHash, Notes, make_receipt, make_recipe
from vidgen.pipelines.residency import Residency
from vidgen.pipelines.resolved import Resolved
from vidgen.pipelines.seam_files import SeamFiles, write_seams
from vidgen.pipelines.source_clip import SourceClip, extended_frames
from vidgen.pipelines.source_frames import source_frames, source_shape
from vidgen.post.chain import Chain
from vidgen.quality.seams import SeamMeter
from vidgen.runtime.context import RunContext
from vidgen.runtime.verdict import Verdict
from vidgen.runtime.waveform import Waveform
from vidgen.spec import FORMATS, ClipShape, ClipSpec, ExtendVideo, ProcessVideo, Progress, Stage, VideoToVideo
from vidgen.stages.decode_latents import SHARE, SHARE_BEFORE


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """One finished file: `kind` is video, poster, sprite_sheet, receipt, of a long clip seams and
    seam_plot, of a conditioned one conditioning. Sizes are given for pictures and clips.

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


def render(spec: ClipSpec, ctx: RunContext, out_dir: Path, residency: Residency) -> RenderResult:
    """Run the task and write the clip, `poster.jpg`, `sprite_sheet.jpg` and `receipt.json` into `out_dir`.

    Frames stream from the decoder through the steps into the encoder. Raises VidgenError (Cancelled, ModelError,
    MediaError, …); then no half file is left behind.
    """
    made = _shape(spec, ctx)
    ctx = replace(ctx, drawers=drawers_of(residency))
    steps = Chain(spec.post, made, tools_of(ctx, residency))
    check_encoder(spec.output, alpha=steps.result.alpha)
    notes = Notes()
    heard: list[Waveform] = []
    said: list[Verdict] = []
    ctx = replace(ctx, note=notes.add, on_sound=heard.append, on_verdict=said.append if is_judged(spec) else None)
    generated, hashes = FrameHash(), FrameHash()
    poster, sheet = out_dir / "poster.jpg", SpriteSheet(steps.result.num_frames)
    with torch.inference_mode(), TemporaryDirectory() as folder:
        frames = generated.through(_frames(spec, ctx, residency))
        meter = SeamMeter() if spec.chunked else None
        frames = frames if meter is None else meter.through(frames)
        conditioned = _conditioned(spec, ctx, residency)
        frames = frames if conditioned is None else conditioned.through(frames)
        if spec.post or isinstance(spec, ProcessVideo):
            frames = _reported(steps.through(frames), ctx, steps.result.num_frames, _begun(spec))
        frames = _begun_to_come(_with_poster(sheet.through(hashes.through(frames)), poster))
        video = deliver(
            frames,
            out_dir,
            output=spec.output,
            fps=steps.result.fps,
            recipe=make_recipe(_as_made(spec, notes), residency.registry, ctx),
            alpha=steps.result.alpha,
            sound=_sound(spec, ctx) or _made_sound(heard, Path(folder)),
        )
    ctx.report(Progress(Stage.PUBLISHING, 0.96))
    receipt = out_dir / "receipt.json"
    facts = make_receipt(spec, residency, generated, hashes, steps.log(), notes) | {"sound": video.sound}
    seams = None if meter is None else write_seams(meter, notes.of("joints"), notes.of("repairs"), out_dir)
    if seams is not None:
        facts["seams"] = seams.summary()
    report = {} if conditioned is None else conditioned.report(said)
    if report:
        facts["conditioning"] = report
    receipt.write_text(json.dumps(facts, indent=2) + "\n")
    files = (*_files(spec, video, poster, receipt), _sheet_file(sheet, out_dir / "sprite_sheet.jpg"))
    return RenderResult(files=(*files, *_seam_files(seams), *_report_file(report, out_dir)))


def _as_made(spec: ClipSpec, notes: Notes) -> ClipSpec:
    """The spec of the clip that there is: one that was ended early ends there when it is made again, too."""
    ended = notes.of("ended_early")
    if not ended or isinstance(spec, ProcessVideo) or spec.long is None:
        return spec
    return spec.model_copy(update={"long": spec.long.model_copy(update=dict(ended[0]))})


def _conditioned(spec: ClipSpec, ctx: RunContext, residency: Residency) -> ConditioningMeter | None:
    """What measures whether the clip does as it was asked, where there are conditioning items."""
    if isinstance(spec, ProcessVideo) or not is_conditioned(spec):
        return None
    return ConditioningMeter(spec, ctx, residency.registry.get(spec.model).rules.conditioning)


def _report_file(report: Mapping[str, Any], out_dir: Path) -> tuple[RenderedFile, ...]:
    if not report:
        return ()
    path = out_dir / "conditioning.json"
    path.write_text(json.dumps(report, indent=2) + "\n")
    return (RenderedFile("conditioning", path, "application/json"),)


def _sound(spec: ClipSpec, ctx: RunContext) -> Soundtrack | None:
    """The sound that goes along: that of the clip which is restyled or processed, or of the part that is extended."""
    if spec.output.audio == "drop":
        return None
    if isinstance(spec, ExtendVideo):
        before = Resolved.of(spec).num_frames if spec.direction == "backward" else 0
        return SourceClip.of(spec, ctx).sound(before)
    return Soundtrack(ctx.media[spec.video.key]) if isinstance(spec, VideoToVideo | ProcessVideo) else None


def _made_sound(heard: Sequence[Waveform], folder: Path) -> Soundtrack | None:
    """The sound that a model made for its pictures."""
    return Soundtrack(write_wav(heard[0], (folder / "sound").with_suffix(WAV))) if heard else None


def _begun_to_come(frames: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
    """The same frames, the first of them made: only then is it known whether there is sound to put into the file, and
    whether the clip was ended early."""
    return chain(list(islice(frames, 1)), frames)


def _shape(spec: ClipSpec, ctx: RunContext) -> ClipShape:
    """The clip before any step."""
    if isinstance(spec, ProcessVideo):
        return source_shape(ctx.media[spec.video.key])
    asked = Resolved.of(spec)
    length = extended_frames(spec, ctx) if isinstance(spec, ExtendVideo) else asked.num_frames
    return ClipShape(asked.width, asked.height, length, Fraction(asked.fps))


def _frames(spec: ClipSpec, ctx: RunContext, residency: Residency) -> Iterator[FrameChunk]:
    """The frames before any step: made by a model, or read."""
    ctx.report(Progress(Stage.LOADING, 0.0))
    if isinstance(spec, ProcessVideo):
        yield from source_frames(ctx.media[spec.video.key], ctx)
        return
    model = residency.model(spec.model, ctx.memory_tier)
    ctx.checkpoint()
    ctx.report(Progress(Stage.ENCODING, 0.05))
    recipe = pipeline_for(spec.task, model, spec.advanced)
    yield from recipe(spec, _quiet_while_decoding(ctx) if spec.post else ctx)


def _begun(spec: ClipSpec) -> float:
    """The share of the work that is done when the first frame comes."""
    return 0.05 if isinstance(spec, ProcessVideo) else SHARE_BEFORE


def _quiet_while_decoding(ctx: RunContext) -> RunContext:
    """Frames are decoded ahead of the steps, whose progress is told instead: a bar that jumps back helps nobody."""

    def report(progress: Progress) -> None:
        if progress.stage is not Stage.DECODING:
            ctx.report(progress)

    return replace(ctx, report=report)


def _reported(chunks: Iterator[FrameChunk], ctx: RunContext, num_frames: int, begun: float) -> Iterator[FrameChunk]:
    """Tell how many of the finished frames have come. Raises Cancelled between chunks."""
    done, share = 0, SHARE_BEFORE + SHARE - begun
    for chunk in chunks:
        ctx.checkpoint()
        done += len(chunk)
        ctx.report(Progress(Stage.PROCESSING, begun + share * min(1.0, done / num_frames)))
        yield chunk


def _with_poster(chunks: Iterator[FrameChunk], path: Path) -> Iterator[FrameChunk]:
    """Pass the frames on, and keep the first one as the poster."""
    first = True
    for chunk in chunks:
        if first:
            write_poster(chunk[:1], path)
            first = False
        yield chunk


def _files(spec: ClipSpec, video: WrittenVideo, poster: Path, receipt: Path) -> tuple[RenderedFile, ...]:
    content_type = FORMATS[spec.output.format].content_type
    return (
        RenderedFile("video", video.path, content_type, video.width, video.height, video.num_frames, video.fps),
        RenderedFile("poster", poster, "image/jpeg", video.width, video.height),
        RenderedFile("receipt", receipt, "application/json"),
    )


def _sheet_file(sheet: SpriteSheet, path: Path) -> RenderedFile:
    width, height = sheet.write(path)
    return RenderedFile("sprite_sheet", path, "image/jpeg", width, height, num_frames=sheet.num_tiles)


def _seam_files(seams: SeamFiles | None) -> tuple[RenderedFile, ...]:
    if seams is None:
        return ()
    return (
        RenderedFile("seams", seams.json_file, "application/json"),
        RenderedFile("seam_plot", seams.plot_file, "image/svg+xml"),
    )

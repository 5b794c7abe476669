"""Any task on a family that denoises by itself: media read → one run of its pipeline → frames, streamed."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace

from torch import Tensor

from vidgen.longvideo.generate import LongClip
from vidgen.longvideo.native import Native
from vidgen.media.frames import FrameChunk
from vidgen.media.source import read_clip, read_picture
from vidgen.pipelines.control_frames import ClipReader, DrawnControl
from vidgen.pipelines.long_video import long_video, script_of
from vidgen.pipelines.masking import Masked
from vidgen.pipelines.regions import painted_regions
from vidgen.pipelines.resolved import Resolved
from vidgen.runtime.context import RunContext
from vidgen.spec import ImageToVideo, MediaRef, MemoryTier, Progress, SamplingFields, Stage, VideoToVideo
from vidgen.stages.clip_model import ClipModel, ClipRequest, ControlClip, OnStep
from vidgen.stages.decode_latents import decode_latents
from vidgen.stages.denoise import SHARE, SHARE_BEFORE
from vidgen.stages.preview import PreviewClock


class WholeClipPipeline:
    """The recipe of every `ClipModel`; which tasks it offers, its manifest says."""

    def __init__(self, model: ClipModel) -> None:
        self.model = model

    def __call__(self, spec: SamplingFields, ctx: RunContext) -> Iterator[FrameChunk]:
        """Outside of a mask the source's frames are given as they are."""
        masked = Masked.of(spec, ctx) if isinstance(spec, VideoToVideo) else None
        request = _request(spec, ctx)
        if masked is None:
            yield from self._made(request, ctx)
            return
        request = replace(request, mask=masked.mask(0, request.num_frames))
        yield from masked.pasted(self._made(request, ctx))

    def _made(self, request: ClipRequest, ctx: RunContext) -> Iterator[FrameChunk]:
        spec = request.spec
        if request.video is not None and int(request.num_inference_steps * request.strength) == 0:
            yield request.video  # no step would be made: that is the source
            return
        if spec.long is not None:
            script = script_of(spec, group=self.model.frame_group, from_the_end=self.model.from_the_end)
            maker = Native(self.model, script.settings, request, self._watcher, script.frames)
            yield from long_video(LongClip(maker, script, ctx), self.model, script, spec, ctx)
            return
        latents = self.model.generate(request, self._watcher(ctx))
        yield from decode_latents(self.model, latents, request.num_frames, ctx)

    def _watcher(self, ctx: RunContext, share: tuple[float, float] = (SHARE_BEFORE, SHARE)) -> OnStep:
        """Progress, previews and cancels of the steps of a run, or of a window, which has its share of the bar."""
        ctx.checkpoint()
        previews = PreviewClock(self.model, silent=ctx.memory_tier is MemoryTier.LOW)

        def on_step(done: int, total: int, estimate: Callable[[], Tensor | None]) -> None:
            preview = previews.maybe(estimate) if done < total else None
            fraction = share[0] + share[1] * done / total
            ctx.report(Progress(Stage.DENOISING, fraction, step=done, total_steps=total, preview=preview))
            ctx.checkpoint()

        return on_step


def _request(spec: SamplingFields, ctx: RunContext) -> ClipRequest:
    asked = Resolved.of(spec)
    size = {"width": asked.width, "height": asked.height}

    def picture(ref: MediaRef | None) -> FrameChunk | None:
        return None if ref is None else read_picture(ctx.media[ref.key], frame=ref.frame, **size)

    image = picture(spec.image) if isinstance(spec, ImageToVideo) else None
    last_image = picture(spec.last_image) if isinstance(spec, ImageToVideo) else None
    video, strength = None, 1.0
    if isinstance(spec, VideoToVideo):
        video = read_clip(ctx.media[spec.video.key], num_frames=asked.num_frames, fps=asked.fps, **size)
        strength = spec.strength or 0.0
    return ClipRequest(
        spec,
        **asdict(asked),
        image=image,
        last_image=last_image,
        video=video,
        strength=strength,
        controls=tuple(_controls(spec, ctx)),
        references=tuple(
            read_picture(ctx.media[shown.image.key], frame=shown.image.frame, **size) for shown in spec.references
        ),
        keyframes={
            key.frame or 0: read_picture(ctx.media[key.image.key], frame=key.image.frame, **size)
            for key in spec.keyframes
        },
        regions=painted_regions(spec, ctx),
        on_sound=None if spec.output.audio == "drop" else ctx.on_sound,
        on_verdict=ctx.on_verdict,
    )


def _controls(spec: SamplingFields, ctx: RunContext) -> Iterator[ControlClip]:
    """Each as it lies in its file, or drawn. Raises SpecError where one is too short or cannot be drawn."""
    asked = Resolved.of(spec)
    for number, control in enumerate(spec.controls):
        # faces are looked at by themselves, in squares; where one is drawn, the square is cut out of the whole frame
        side = min(asked.width, asked.height)
        seen = replace(asked, width=side, height=side) if control.kind == "face" and control.drawn else asked
        reader = ClipReader(ctx.media[control.video.key], control.video, seen, f"controls.{number}.video")
        reader.check()
        frames = DrawnControl(control, reader, drawers=ctx.drawers).read(0, asked.num_frames)
        weight = 1.0 if control.weight is None else control.weight
        yield ControlClip(control.kind, frames, weight, control.start, control.end)

"""Which prompt a moment of a finished clip was made with: what goes on from there is asked for in the same words."""

from itertools import accumulate

from vidgen.spec import ExtendVideo, JobSpec, SamplingFields, Unsampled
from vidgen_web.media_check import kept_of
from vidgen_web.services import Services

EPSILON = 1e-6


def prompt_at(services: Services, spec: JobSpec, seconds: float) -> str:
    """Of the segment that holds the moment; `seconds` count from the beginning of the clip that the spec made.

    In the part that an extension found there it is the prompt of the clip that was extended, where a job made that.
    """
    while isinstance(spec, ExtendVideo):
        frame, kept, fps = _frame(spec, seconds), kept_of(services, spec), spec.fps or 1
        if kept is None:
            return _of_frame(spec, spec.num_frames or 0)
        begin = len(kept) if spec.direction == "forward" else 0
        source = _made_by(services, spec)
        is_new = begin <= frame and (spec.direction == "forward" or frame < (spec.num_frames or 0))
        if is_new or source is None:
            return _of_frame(spec, max(0, frame - begin))
        # the same moment as the clip that was extended counts it
        before = 0 if spec.direction == "forward" else (spec.num_frames or 0) - kept.start
        spec, seconds = source, (frame - before) / fps
    return spec.prompt if isinstance(spec, Unsampled) else _of_frame(spec, _frame(spec, seconds))


def _frame(spec: SamplingFields, seconds: float) -> int:
    return int(seconds * (spec.fps or 1) + EPSILON)


def _of_frame(spec: SamplingFields, frame: int) -> str:
    """The prompt of the segment that holds the frame; beyond the last one, of that one."""
    ends = accumulate(segment.frames or 0 for segment in spec.segments)
    prompts = [segment.prompt or spec.prompt for segment in spec.segments] or [spec.prompt]
    return next((prompt for prompt, end in zip(prompts, ends, strict=False) if frame < end), prompts[-1])


def _made_by(services: Services, spec: ExtendVideo) -> JobSpec | None:
    """The spec of the job that made the clip which was extended; None for an upload, or where the job is gone."""
    clip = services.jobs.artifact(spec.video.artifact_id) if spec.video.artifact_id else None
    job = services.jobs.get(clip.job_id) if clip is not None else None
    return None if job is None else job.spec

"""Whether the pictures and clips that a spec refers to are there, and are what it needs. Reads records, no files."""

from vidgen.errors import SpecError
from vidgen.jobs.views import Artifact, Upload
from vidgen.spec import ExtendVideo, JobSpec, MediaRef, SamplingFields, TrainLora, frames_kept, named_media
from vidgen_web.services import Services

CLIPS = frozenset({"video", "prefix.video", "suffix.video"})


def find(services: Services, ref: MediaRef) -> Upload | Artifact | None:
    return services.uploads.get(ref.upload_id) if ref.upload_id else services.jobs.artifact(ref.key)


def check_media(services: Services, spec: JobSpec) -> None:
    """Raise SpecError unless every media reference exists, fits the task and has the frames asked for."""
    for name, ref in named_media(spec).items():
        _check_reference(find(services, ref), name, ref, clip=name in CLIPS or name.startswith("clips."))
    if isinstance(spec, ExtendVideo):
        kept_of(services, spec)
    if isinstance(spec, SamplingFields):
        _check_controls(services, spec)
    if isinstance(spec, TrainLora):
        _check_lengths(services, spec)


def kept_of(services: Services, spec: ExtendVideo) -> range | None:
    """The frames that stay of the clip that is extended; None where it is gone or nobody measured it.

    Raises SpecError unless the clip has the frame from which it is extended.
    """
    clip = find(services, spec.video)
    return frames_kept(spec, clip.num_frames, clip.fps) if clip and clip.num_frames and clip.fps else None


def _check_reference(found: Upload | Artifact | None, name: str, ref: MediaRef, *, clip: bool) -> None:
    if found is None:
        raise SpecError(f"{name}={ref.key}: there is no such upload or artifact", field=name, code="media_not_found")
    kind = "image" if found.kind == "poster" else found.kind
    if kind != "video" and (kind != "image" or clip):
        wanted = "a clip" if clip else "a picture or a clip"
        raise SpecError(f"{name}={ref.key}: this is a {found.kind}; give {wanted}", field=name, code="media_kind")
    frames = found.num_frames if kind == "video" else None
    if ref.frame is not None and frames is not None and not -frames <= ref.frame < frames:
        nearest = frames - 1 if ref.frame >= 0 else -frames
        raise SpecError(
            f"{name}.frame={ref.frame}: the clip has frames 0 to {frames - 1}; nearest is {nearest}",
            field=f"{name}.frame",
            nearest=(nearest,),
        )


def _check_lengths(services: Services, spec: TrainLora) -> None:
    """A clip that is shorter than what is learned of each has nothing to say of the rest."""
    manifest = services.models.get(spec.model)
    for number, clip in enumerate(spec.clips):
        found = find(services, clip.video)
        if found is None or not found.num_frames or not found.fps:
            continue
        available = int(found.num_frames * manifest.rules.fps / found.fps + 1e-6)
        if available < (spec.num_frames or 0):
            raise SpecError(
                f"clips.{number}.video: holds {available} frames at {manifest.rules.fps} a second, and "
                f"{spec.num_frames} of each are learned; give a longer one, or ask for a smaller num_frames",
                field=f"clips.{number}.video",
            )


def _check_controls(services: Services, spec: SamplingFields) -> None:
    """A clip that says something of every frame must have as many: what is missing would be made up in silence."""
    for number, control in enumerate(spec.controls):
        found = find(services, control.video)
        if control.kind == "flow" and not control.drawn and found is not None and found.kind != "video":
            raise SpecError(
                f"controls.{number}.video={control.video.key}: this is a {found.kind} and has no motion; give a clip",
                field=f"controls.{number}.video",
                code="media_kind",
            )
        if control.video.frame is None:
            _check_length(found, f"controls.{number}.video", spec)
    if spec.mask is not None and spec.mask.media is not None and spec.mask.media.frame is None:
        _check_length(find(services, spec.mask.media), "mask.media", spec)


def _check_length(clip: Upload | Artifact | None, field: str, spec: SamplingFields) -> None:
    if clip is None or clip.kind != "video" or not clip.num_frames or not clip.fps:
        return
    fps = spec.fps or 1
    available = int(clip.num_frames * fps / clip.fps + 1e-6)
    if available < (spec.num_frames or 0):
        raise SpecError(
            f"{field}: the clip holds {available} frames at {fps} a second, the result has {spec.num_frames}; "
            f"give a longer one or ask for num_frames={available} at most",
            field=field,
            nearest=(available,),
        )

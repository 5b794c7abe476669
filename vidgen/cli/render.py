"""`vidgen render`: one clip here and now, without the service."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from vidgen.cli.errors import errors_as_text
from vidgen.cli.options.conditions import condition_options, take_conditions
from vidgen.cli.options.long import long_options, take_extension, take_long
from vidgen.cli.options.regions import region_option, take_regions
from vidgen.cli.recall import output_of, spec_in
from vidgen.cli.run_here import render_here
from vidgen.longvideo.plan_of_spec import check_takes
from vidgen.runtime.processes import process_count
from vidgen.spec import (
    FORMATS,
    ImageToVideo,
    MediaRef,
    SamplingFields,
    TextToVideo,
    Unsampled,
    VideoToVideo,
    advanced_of,
    resolve,
)
from vidgen.spec.conditioning.too_fast import too_fast
from vidgen.spec.output import QUALITIES


@click.command()
@click.argument("prompt", default="")
@click.option("--image", type=click.Path(exists=True, path_type=Path), help="Animate this picture (image-to-video).")
@click.option("--last-image", type=click.Path(exists=True, path_type=Path), help="With --image: the clip ends on it.")
@click.option("--video", type=click.Path(exists=True, path_type=Path), help="Restyle this clip (video-to-video).")
@click.option("--frame", type=int, help="With --image CLIP: which frame of the clip; -1 is the last.")
@click.option("--strength", type=float, help="With --video: 0 returns the source, 1 keeps nothing of it.")
@click.option("--model", default="sprites-64", show_default=True, help="A model of `vidgen models`.")
@click.option("--negative-prompt", default="", help="What the clip should not show.")
@click.option("--frames", "num_frames", type=int, help="Frames of the clip (4k+1); long ones are made in chunks.")
@click.option("--seconds", type=float, help="Length of the clip, in place of --frames.")
@long_options
@region_option
@condition_options
@click.option("--fps", type=int, help="Frames a second of the file.")
@click.option("--width", type=int, help="Pixels.")
@click.option("--height", type=int, help="Pixels.")
@click.option("--steps", "num_inference_steps", type=int, help="Denoising steps.")
@click.option("--guidance", "guidance_scale", type=float, help="Classifier-free guidance; 1 switches it off.")
@click.option("--advanced", multiple=True, help="NAME=VALUE: an option that only some models take, as sampler=unipc.")
@click.option("--lora", "loras", multiple=True, help="ID or ID:WEIGHT of an added LoRA; several are stacked.")
@click.option("--seed", type=int, help="Empty or -1: drawn at random and printed.")
@click.option("--format", "format_name", type=click.Choice(list(FORMATS)), help="Of the file; else its name says it.")
@click.option("--codec", help="With mp4: h264, hevc, av1. With prores: prores-422, prores-4444.")
@click.option("--quality", type=click.Choice(QUALITIES), help="Default: high.")
@click.option(
    "--spec",
    "spec_file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Everything from this JSON, as `vidgen recall` prints it; - reads stdin.",
)
@click.option("--media", "others", multiple=True, help="With --spec: FIELD=FILE, as controls.0.video=edges.mp4.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("clip.mp4"), show_default=True)
@click.pass_context
@errors_as_text
def render(
    called: click.Context,
    image: Path | None,
    last_image: Path | None,
    video: Path | None,
    frame: int | None,
    strength: float | None,
    format_name: str | None,
    codec: str | None,
    quality: str | None,
    spec_file: Path | None,
    others: tuple[str, ...],
    out: Path,
    chunks: Path | None,
    lender: Path | None,
    **fields: Any,
) -> None:
    """Make one clip here and now: from PROMPT alone, from a picture, or from a clip."""
    from vidgen.jobs.settings import load_settings
    from vidgen_models.registry import ModelRegistry
    from vidgen_models.words import remarks

    if image and video:
        raise click.UsageError("--image and --video exclude each other: animate a picture or restyle a clip")
    if frame is not None and not image:
        raise click.UsageError("--frame belongs to --image")
    if not out.resolve().parent.is_dir():
        raise click.UsageError(f"--out {out}: there is no folder {out.parent}")
    if strength is not None and not video:
        raise click.UsageError("--strength belongs to --video")
    if last_image and not image:
        raise click.UsageError("--last-image belongs to --image")
    if spec_file is not None:
        _refuse_beside_spec(called)
        spec, media = spec_in(spec_file, {"image": image, "last_image": last_image, "video": video}, others)
        output_of(out, spec.output.format, None, None)
    else:
        fields["output"] = output_of(out, format_name, codec, quality)
        fields["advanced"] = advanced_of(fields["advanced"], fields.pop("loras"))
        pictures = take_long(fields) | take_regions(fields) | take_conditions(fields)
        extension, clip = take_extension(fields)
        if extension is not None and (image or video):
            raise click.UsageError("--extend takes neither --image nor --video")
        if extension is not None:
            spec, media = extension(**fields), clip
        else:
            spec, media = _requested(image, last_image, video, frame, strength, fields)
        media |= pictures
    registry = ModelRegistry(*load_settings().manifest_folders)
    if isinstance(spec, Unsampled):
        raise click.UsageError("--spec: this one makes no frames; `vidgen process` and `vidgen train-lora` do such")
    manifest = registry.get(spec.model)
    if process_count() > 1 and spec.seed in (None, -1):
        raise click.UsageError("--seed: processes that make one clip together need one and the same")
    spec = resolve(spec, manifest.rules, source_seconds=_source_seconds(video))
    check_takes(spec, manifest.rules)
    for remark in remarks(spec, manifest):
        click.echo(f"warning: {remark.message}", err=True)
    for told in too_fast(spec, manifest.rules.conditioning).values():
        click.echo(f"warning: {told}", err=True)
    click.echo(f"{spec.num_frames} frames of {spec.width}×{spec.height} at {spec.fps} fps, seed {spec.seed}")
    render_here(spec, media, out, chunks, lender)


def _refuse_beside_spec(called: click.Context) -> None:
    """A spec says everything; what else is said would be lost, or would change what was recalled."""
    given = {name for name in called.params if called.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if extra := sorted(given - {"spec_file", "others", "image", "last_image", "video", "out", "chunks", "lender"}):
        raise click.UsageError(f"--spec says everything; leave out {', '.join(extra)}")


def _requested(
    image: Path | None,
    last_image: Path | None,
    video: Path | None,
    frame: int | None,
    strength: float | None,
    fields: dict[str, Any],
) -> tuple[SamplingFields, dict[str, Path]]:
    """The spec that the options ask for, and where its media lie."""
    ref = MediaRef(upload_id="upl_local", frame=frame)
    if image and last_image:
        last = MediaRef(upload_id="upl_last")
        return ImageToVideo(image=ref, last_image=last, **fields), {ref.key: image, last.key: last_image}
    if image:
        return ImageToVideo(image=ref, **fields), {ref.key: image}
    if video:
        return VideoToVideo(video=ref, strength=strength, **fields), {ref.key: video}
    return TextToVideo(**fields), {}


def _source_seconds(video: Path | None) -> float | None:
    from vidgen.media.probe import probe as probe_file

    return None if video is None else probe_file(video).seconds

"""`vidgen process`: a clip through the steps of post-processing, or into another format, without the service."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from vidgen.cli.errors import errors_as_text
from vidgen.cli.recall import output_of
from vidgen.cli.run_here import render_here
from vidgen.errors import SpecError
from vidgen.spec import FORMATS, MediaRef, ProcessVideo, resolve_process
from vidgen.spec.output import QUALITIES

POSITIONS = ("top-left", "top-right", "bottom-left", "bottom-right", "center")
AUTO = "auto"


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--normalise-colour", is_flag=True, help="Levels of each shot to the full range, a cast to grey.")
@click.option("--exposure", type=float, help="Tone mapping: stops, from -4 to 4.")
@click.option("--interpolate", type=int, help="2, 4 or 8 times the frames a second, drawn by a network.")
@click.option("--fps", type=float, help="In place of --interpolate: any rate.")
@click.option("--upscale", type=int, help="2 or 4 times the sides, by a network.")
@click.option(
    "--restore", type=float, is_flag=False, flag_value=1.0, help="An encoder's losses taken back by a network."
)
@click.option("--sharpen", type=float, is_flag=False, flag_value=0.8, help="Edge-aware sharpening, 0.8 unless given.")
@click.option(
    "--remove-background",
    is_flag=False,
    flag_value=AUTO,
    help="A plain background to transparency; its #rrggbb if it is not the one along the edges.",
)
@click.option("--new-background", help="With --remove-background: this #rrggbb in place of transparency.")
@click.option("--watermark", help="A text, or a picture's file, over every frame.")
@click.option("--watermark-at", type=click.Choice(POSITIONS), default="bottom-right", show_default=True)
@click.option(
    "--invisible-watermark", is_flag=False, flag_value=AUTO, help="8 hex digits that are not seen and stay in the clip."
)
@click.option(
    "--step", "steps", multiple=True, help='Any step as JSON: \'{"step": "sharpen", "radius": 3}\'; after those.'
)
@click.option("--format", "format_name", type=click.Choice(list(FORMATS)), help="Of the file; else its name says it.")
@click.option("--codec", help="With mp4: h264, hevc, av1. With prores: prores-422, prores-4444.")
@click.option("--quality", type=click.Choice(QUALITIES), help="Default: high.")
@click.option("--out", type=click.Path(path_type=Path), required=True)
@errors_as_text
def process(
    file: Path, out: Path, format_name: str | None, codec: str | None, quality: str | None, **asked: Any
) -> None:
    """Put FILE through steps, in the order in which they are listed here, and write it to --out.

    Without a step it only changes the format. What FILE says of how it was made goes along.
    """
    from vidgen.pipelines.source_frames import source_shape

    if not out.resolve().parent.is_dir():
        raise click.UsageError(f"--out {out}: there is no folder {out.parent}")
    ref = MediaRef(upload_id="upl_local")
    fields, mark = steps_of(asked)
    output = output_of(out, format_name, codec, quality)
    spec = ProcessVideo.model_validate({"video": ref, "post": fields, "output": output})
    spec = resolve_process(spec, source_shape(file))
    render_here(spec, {ref.key: file, **mark}, out)


def steps_of(asked: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Path]]:
    """The options as steps, and the watermark's picture by its reference."""
    found: list[dict[str, Any]] = []
    media: dict[str, Path] = {}
    if asked["normalise_colour"]:
        found.append({"step": "normalise-colour"})
    if asked["exposure"] is not None:
        found.append({"step": "tone-map", "exposure": asked["exposure"]})
    if asked["restore"] is not None:
        found.append({"step": "restore", "strength": asked["restore"]})
    if asked["interpolate"] is not None or asked["fps"] is not None:
        found.append({"step": "interpolate", "factor": asked["interpolate"], "fps": asked["fps"]})
    if asked["upscale"] is not None:
        found.append({"step": "upscale", "factor": asked["upscale"]})
    if asked["sharpen"] is not None:
        found.append({"step": "sharpen", "amount": asked["sharpen"]})
    if asked["remove_background"] is not None:
        given = None if asked["remove_background"] == AUTO else asked["remove_background"]
        found.append({"step": "remove-background", "colour": given, "replace": asked["new_background"]})
    elif asked["new_background"] is not None:
        raise click.UsageError("--new-background belongs to --remove-background")
    if asked["watermark"] is not None:
        content: dict[str, Any] = {"text": asked["watermark"]}
        if Path(asked["watermark"]).is_file():
            ref = MediaRef(upload_id="upl_mark")
            content, media[ref.key] = {"image": ref.model_dump()}, Path(asked["watermark"])
        found.append({"step": "watermark", "position": asked["watermark_at"], **content})
    if asked["invisible_watermark"] is not None:
        given = {} if asked["invisible_watermark"] == AUTO else {"message": asked["invisible_watermark"]}
        found.append({"step": "invisible-watermark", **given})
    return [*found, *map(_parsed, asked["steps"])], media


def _parsed(text: str) -> dict[str, Any]:
    try:
        step = json.loads(text)
    except ValueError as error:
        raise SpecError(f"--step: this is no JSON ({error})", field="post") from error
    if not isinstance(step, dict):
        raise SpecError("--step: give a JSON object with a field step", field="post")
    return step

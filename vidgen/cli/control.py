"""`vidgen control`: the control video that a clip gives, to be looked at or changed before a job follows it."""

import re
from pathlib import Path
from typing import Any, get_args

import click

from vidgen.cli.errors import errors_as_text
from vidgen.cli.recall import output_of
from vidgen.cli.run_here import render_here
from vidgen.errors import SpecError
from vidgen.spec import MediaRef, ProcessVideo, resolve_process
from vidgen.spec.conditioning.control import ControlKind

SIZE = re.compile(r"(\d+)[x×](\d+)")


@click.command()
@click.argument("kind", type=click.Choice(get_args(ControlKind)))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--smoothing", type=float, default=0.0, show_default=True, help="0 to 1: how far over time.")
@click.option("--size", help="WIDTHxHEIGHT to draw it at: that of the job which shall follow it.")
@click.option("--full-speed", type=float, help="Of flow: the share of the width a frame that has full colour.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("control.mp4"), show_default=True)
@errors_as_text
def control(kind: str, file: Path, smoothing: float, size: str | None, full_speed: float | None, out: Path) -> None:
    """Draw FILE's KIND (canny, flow, layout, …) and write the control video.

    \b
    vidgen control canny clip.mp4 --size 64x64 --out edges.mp4
    vidgen render "a cat" --control "canny edges.mp4 drawn"
    """
    from vidgen.pipelines.source_frames import source_shape

    if not out.resolve().parent.is_dir():
        raise click.UsageError(f"--out {out}: there is no folder {out.parent}")
    step: dict[str, Any] = {"step": "draw-control", "kind": kind, "smoothing": smoothing, "full_speed": full_speed}
    if size is not None:
        found = SIZE.fullmatch(size)
        if found is None:
            raise SpecError(f"size={size}: write WIDTHxHEIGHT, as in 64x64", field="size")
        step |= {"width": int(found[1]), "height": int(found[2])}
    ref = MediaRef(upload_id="upl_local")
    spec = ProcessVideo.model_validate({"video": ref, "post": [step], "output": output_of(out, None, None, None)})
    render_here(resolve_process(spec, source_shape(file)), {ref.key: file}, out)

"""`vidgen watermark`: the invisible mark in a clip."""

import json
import sys
from pathlib import Path

import click

from vidgen.cli.errors import errors_as_text


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@errors_as_text
def watermark(file: Path, as_json: bool) -> None:
    """Say which invisible mark FILE bears. Exit code 1 when it bears none; `vidgen process` puts one in."""
    from vidgen.media.reader import every_frame
    from vidgen.post.invisible.read import WatermarkReader

    reader = WatermarkReader()
    for _ in reader.through(frame[None] for frame in every_frame(file)):
        pass
    found = reader.reading
    if as_json:
        click.echo(json.dumps(reader.found()))
    else:
        click.echo(f"{found.message or 'no mark'} (certainty {found.certainty:.2f} over {found.frames} frames)")
    sys.exit(0 if found.message else 1)

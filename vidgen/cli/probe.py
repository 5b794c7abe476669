"""`vidgen probe`."""

import json
from pathlib import Path

import click

from vidgen.cli.errors import errors_as_text


@click.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@errors_as_text
def probe(file: Path) -> None:
    """Say what a clip holds, and the settings that made it when vidgen did."""
    from vidgen.media.probe import probe as probe_file
    from vidgen.media.recall import find_recipe

    info, recipe = probe_file(file), find_recipe(file)
    click.echo(
        f"{info.width}×{info.height}, {info.num_frames} frames, {float(info.fps):g} fps, {info.codec} {info.pix_fmt}"
    )
    if recipe is not None:
        click.echo(json.dumps(recipe.spec.model_dump(mode="json"), indent=2))

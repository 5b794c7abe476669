"""`vidgen sweep`: one clip many times over with one or two fields varied, as a labelled sheet."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from vidgen.cli.errors import errors_as_text

MEDIA = {"image": "image-to-video", "last_image": "image-to-video", "video": "video-to-video"}


@click.command()
@click.argument("prompt", default="")
@click.option("--vary", "varied", multiple=True, required=True, help="FIELD=VALUE,VALUE: columns; a second one: rows.")
@click.option(
    "--set", "fixed", multiple=True, help="FIELD=VALUE, for all clips: a field of the spec, or advanced.FIELD."
)
@click.option("--model", default="sprites-64", show_default=True, help="A model of `vidgen models`.")
@click.option("--image", type=click.Path(exists=True, path_type=Path), help="Animate this picture.")
@click.option("--last-image", type=click.Path(exists=True, path_type=Path), help="With --image: the clip ends on it.")
@click.option("--video", type=click.Path(exists=True, path_type=Path), help="Restyle this clip.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("sweep.png"), show_default=True)
@errors_as_text
def sweep(prompt: str, varied: tuple[str, ...], fixed: tuple[str, ...], model: str, out: Path, **given: Any) -> None:
    """Show what fields do: `--vary seed=1,2,3 --vary guidance_scale=1,3,6`. A seed of -1 is drawn and told.

    The sheet shows first, middle and last frame of every clip; all settings are inside the PNG, under the key vidgen.
    """
    from vidgen.jobs.settings import load_settings
    from vidgen.media.probe import probe
    from vidgen.spec import JOB_SPEC, Unsampled, resolve
    from vidgen.spec.sweep import axis_of, cells
    from vidgen_models.registry import ModelRegistry

    registry = ModelRegistry(*load_settings().manifest_folders)
    media = {name: path for name, path in given.items() if path is not None}
    axes = [axis_of(text) for text in varied]
    seconds = probe(media["video"]).seconds if "video" in media else None

    def resolved(fields: Mapping[str, Any]) -> Any:
        spec = JOB_SPEC.validate_python(fields)
        if isinstance(spec, Unsampled):
            return spec
        return resolve(spec, registry.get(spec.model).rules, source_seconds=seconds)

    made = cells(_fields(prompt, model, fixed, media), axes, resolved)
    _sweep_here(made, axes, {f"upl_{name}": path for name, path in media.items()}, registry, out)
    click.echo(f"{out}: {len(made)} clips, seeds {', '.join(sorted({str(cell.spec.seed) for cell in made}))}")


def _fields(prompt: str, model: str, fixed: tuple[str, ...], media: dict[str, Path]) -> dict[str, Any]:
    """The request that all clips share."""
    from vidgen.spec.sweep import axis_of, put

    fields: dict[str, Any] = {"prompt": prompt, "model": model, "task": "text-to-video"}
    for name in media:
        fields |= {"task": MEDIA[name], name: {"upload_id": f"upl_{name}"}}
    for text in fixed:
        axis = axis_of(text)
        fields = put(fields, axis.field, text.partition("=")[2].strip())
    return fields


def _sweep_here(made: Any, axes: Any, media: dict[str, Path], registry: Any, out: Path) -> None:
    from vidgen.runtime.threads import wait_without_spinning

    wait_without_spinning()  # before torch is loaded
    from vidgen.pipelines import Residency
    from vidgen.pipelines.sweep import sweep as make
    from vidgen.runtime.context import RunContext

    make(made, axes, RunContext(media=media), Residency(registry), out)

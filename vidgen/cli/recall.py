"""`vidgen recall`, and what `vidgen render` makes of a spec that was recalled."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from vidgen.cli.errors import errors_as_text
from vidgen.errors import SpecError
from vidgen.spec import FORMATS, JOB_SPEC, JobSpec, Output, Recipe, named_media


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--all", "everything", is_flag=True, help="The recipe itself: also versions and hashes of sources.")
@errors_as_text
def recall(file: Path, everything: bool) -> None:
    """Print the settings that made FILE, as JSON for `vidgen render --spec` and POST /api/v1/jobs.

    Of a clip that was processed, these are the settings that made it and all steps since.
    """
    from vidgen.media.recall import recall as recall_recipe

    recipe = recall_recipe(file)
    click.echo(json.dumps((recipe if everything else recipe.whole()).model_dump(mode="json"), indent=2))


def spec_in(file: Path, media: dict[str, Path | None], more: Sequence[str] = ()) -> tuple[Any, dict[str, Path]]:
    """The spec that a file of JSON holds (`-`: stdin), alone or in its recipe, and where its media lie.

    `media` are the files that the command line names for the fields `image`, `last_image` and `video`, `more` those of
    other fields, as `controls.0.video=FILE`.
    Raises SpecError, also where a picture or clip is named by one of the two alone, or is not the recipe's own.
    """
    with click.open_file(str(file)) as stream:
        spec, hashes = _parsed(stream.read())
    found: dict[str, Path] = {}
    for name, path in media.items():
        ref = getattr(spec, name, None)
        if (ref is None) != (path is None):
            option = f"--{name.replace('_', '-')}"
            rule = "the spec names a source: give its file" if path is None else "the spec names no such source"
            raise SpecError(f"{option}: {rule}", field=name)
        if ref is not None and path is not None:
            _check_source(name, path, hashes.get(ref.key))
            found[ref.key] = path
    found |= _others(spec, more, hashes)
    missing = [name for name, ref in named_media(spec).items() if ref.key not in found]
    if missing:
        raise SpecError(f"--media: the spec names a file for {missing[0]}; give {missing[0]}=FILE", field=missing[0])
    return spec, found


def _others(spec: Any, more: Sequence[str], hashes: Mapping[str, str]) -> dict[str, Path]:
    """Files of fields that have no option of their own."""
    named, found = named_media(spec), {}
    for text in more:
        name, _, file = text.partition("=")
        if name not in named or not Path(file).is_file():
            there = ", ".join(named) or "none"
            raise SpecError(f"--media {text}: write FIELD=FILE; the spec's are {there}", field="media")
        _check_source(name, Path(file), hashes.get(named[name].key))
        found[named[name].key] = Path(file)
    return found


def output_of(out: Path, format_name: str | None, codec: str | None, quality: str | None) -> Output:
    """The output that the options ask for; without `--format`, the file's name says it.

    Raises SpecError when the name says another format, naming the ending that fits.
    """
    by_suffix = {rule.suffix: name for name, rule in FORMATS.items()}
    chosen = format_name or by_suffix.get(out.suffix.lower())
    if chosen is None:
        raise SpecError(
            f"--out {out.name}: no format ends so; {', '.join(by_suffix)} do, or give --format", field="output.format"
        )
    suffix = FORMATS[chosen].suffix  # type: ignore[index]
    if out.suffix.lower() != suffix:
        raise SpecError(f"--out {out.name}: {chosen} files end with {suffix}", field="output.format")
    given = {"format": chosen, "codec": codec, "quality": quality}
    return Output.model_validate({name: value for name, value in given.items() if value is not None})


def _parsed(text: str) -> tuple[JobSpec, dict[str, str]]:
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise SpecError(f"--spec: this is no JSON ({error})", field="spec") from error
    if isinstance(fields, dict) and "recipe" in fields:
        recipe = Recipe.model_validate(fields)
        return recipe.spec, dict(recipe.media)
    return JOB_SPEC.validate_python(fields), {}


def _check_source(name: str, path: Path, expected: str | None) -> None:
    """Another source would give another clip under the same recipe."""
    from vidgen_models.folder_check import sha256

    if expected is not None and sha256(path) != expected:
        raise SpecError(
            f"--{name.replace('_', '-')} {path.name}: not the file of the recipe (its sha256 is {expected[:12]}…)",
            field=name,
        )

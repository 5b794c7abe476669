"""`vidgen models`: what is installed, and adding, removing and rolling back models from local folders."""

import json
from pathlib import Path
from typing import Any, get_args

import click
from click.core import ParameterSource

from vidgen.cli.errors import errors_as_text
from vidgen.cli.model_table import show_model, show_plan, show_running, show_ways
from vidgen_models.registry import Attention, Running, Weights


@click.group(invoke_without_command=True)
@click.pass_context
@errors_as_text
def models(context: click.Context) -> None:
    """List the installed models; add, remove and roll back your own."""
    if context.invoked_subcommand is None:
        _list()


@models.command("list")
@errors_as_text
def list_models() -> None:
    """One line a model."""
    _list()


@models.command()
@click.argument("model_id")
@click.option("--json", "as_json", is_flag=True, help="The whole manifest, for programs.")
@errors_as_text
def show(model_id: str, as_json: bool) -> None:
    """What a model can do and which words it knows."""
    manifest = _registry().get(model_id)
    if as_json:
        click.echo(json.dumps({**manifest.model_dump(mode="json"), "vocabulary": manifest.vocabulary()}, indent=2))
    else:
        show_model(manifest)


@models.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--id", "model_id", help="How jobs name it; default: the folder's name.")
@click.option("--name", help="How people are shown it.")
@click.option("--licence", help="Default: what the folder's README says.")
@click.option("--few-steps", type=click.IntRange(1, 100), help="A checkpoint distilled to so many steps, no guidance.")
@click.option(
    "--control", "controls", multiple=True, help="What its control network was trained to follow, such as canny."
)
@click.option(
    "--weights",
    type=click.Choice(get_args(Weights)),
    default="own",
    help="How weights are held, rounded: the denoiser's alone (float8), or the text encoders', too (int8, nf4).",
)
@click.option("--attention", type=click.Choice(get_args(Attention)), default="native", help="What computes attention.")
@click.option("--compile", "compiled", is_flag=True, help="Compile the blocks that repeat, at the first step.")
@click.option(
    "--offload",
    type=click.Choice(("networks", "layers")),
    default="networks",
    help="What is on a GPU at a time where not all fits.",
)
@click.option("--devices", type=click.IntRange(1), default=1, help="Over how many devices the tokens are spread.")
@click.option("--like", help="An installed model of the same networks: its sizes, windows and words hold here, too.")
@click.option("--base", help="Of a single file: the model or folder that gives what the file does not hold.")
@click.option("--component", help="Of a single file: what it is; default: every component that it fits.")
@click.pass_context
@errors_as_text
def add(
    context: click.Context,
    path: Path,
    like: str | None,
    base: str | None,
    component: str | None,
    attention: Any,
    compiled: bool,
    offload: Any,
    devices: int,
    **wishes: Any,
) -> None:
    """Add the model in PATH, a folder in the diffusers layout, a .safetensors or .gguf file. Files stay where they are.

    Nothing of it is run: it must be weights and plain data. Every file is hashed, and checked when it is read.
    A file holds the weights of one network or several; the rest is another model's or folder's, the --base.
    A folder of a known network trained anew, such as the shipped one, is added --like it.
    A folder of a single network that sees depth or poses (Depth Anything, DPT, ViTPose) is added for drawing controls.
    """
    if _is_network(path):
        _refuse_beside(context, "a folder of a single network that draws controls", ("path", "model_id", "licence"))
        _add_estimator(path, wishes)
        return
    if like is not None:
        _check_like(path, like, wishes)
    wishes["running"] = Running(attention=attention, compile=compiled, offload=offload, devices=devices)
    manifest = _single(path, base, component, wishes) if path.is_file() else _folder(path, base, component, wishes)
    manifest = manifest if like is None else _like(manifest, like)
    _shelf().put(manifest)
    click.echo(f"{manifest.id} revision {manifest.revision}: {manifest.family}, {', '.join(manifest.rules.tasks)}")


@models.command()
@click.argument("model_id")
@click.option(
    "--memory-mb", type=click.IntRange(1), help="What the device holds; without it, what this machine's does."
)
@click.option("--device", type=click.Choice(("cpu", "cuda")), help="Default: what this machine has.")
@click.option("--apply", "applied", is_flag=True, help="Have the model run in the way that is chosen.")
@errors_as_text
def plan(model_id: str, memory_mb: int | None, device: Any, applied: bool) -> None:
    """What a model's networks take of a device's memory, the ways they could lie there, and which is the best."""
    from vidgen.families.installation import planned
    from vidgen.families.memory_plan import network_megabytes, plan_for, ways
    from vidgen.families.running import attention_here
    from vidgen.runtime.device_memory import found_device

    manifest = _registry().get(model_id)
    here, megabytes = found_device()
    device = device or here
    memory_mb = memory_mb or (megabytes if device == here else None)
    show_plan(manifest, network_megabytes(manifest, device), device)
    chosen = None if memory_mb is None else plan_for(manifest, device, memory_mb)
    show_ways(ways(manifest, device), chosen, memory_mb)
    show_running(manifest, attention_here(device))
    if applied and chosen is not None:
        _apply(manifest, planned(manifest, chosen))


@models.command()
@click.argument("model_id")
@errors_as_text
def remove(model_id: str) -> None:
    """Take an added model out of use; its files stay, and `rollback` brings it back."""
    if not _shelf().forget_estimator(model_id):
        _shelf().remove(model_id)
    click.echo(f"{model_id} removed")


@models.command()
@click.argument("model_id")
@errors_as_text
def rollback(model_id: str) -> None:
    """Use again what was in use under this id before the last add or remove."""
    manifest = _shelf().rollback(model_id)
    click.echo(f"{manifest.id} revision {manifest.revision}")


@models.command("add-lora")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--for", "model_ids", multiple=True, required=True, help="The model it was made for; several are fine.")
@click.option("--id", "lora_id", help="How jobs name it; default: the file's name.")
@click.option("--licence", default="unknown", help="Kept with it.")
@errors_as_text
def add_lora(file: Path, model_ids: tuple[str, ...], lora_id: str | None, licence: str) -> None:
    """Add the LoRA in FILE (safetensors), which jobs on these models may then use. The file stays where it is."""
    from vidgen.families.installation import lora_for

    registry = _registry()
    made = lora_for(file, [registry.get(model_id) for model_id in model_ids], lora_id, licence)
    _shelf().put_lora(made)
    click.echo(f"{made.id} for {', '.join(made.models)}")


@models.command("add-embedding")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--for", "model_ids", multiple=True, required=True, help="The model it was made for; several are fine.")
@click.option("--id", "embedding_id", help="Prompts name it as <ID>; default: the file's name.")
@click.option("--licence", default="unknown", help="Kept with it.")
@errors_as_text
def add_embedding(file: Path, model_ids: tuple[str, ...], embedding_id: str | None, licence: str) -> None:
    """Add the textual inversion in FILE (safetensors): a new word for prompts. `remove-lora` takes it out again."""
    from vidgen.families.installation import embedding_for

    registry = _registry()
    made = embedding_for(file, [registry.get(model_id) for model_id in model_ids], embedding_id, licence)
    _shelf().put_lora(made)
    click.echo(f"<{made.id}> for {', '.join(made.models)}")


@models.command("remove-lora")
@click.argument("lora_id")
@errors_as_text
def remove_lora(lora_id: str) -> None:
    """Take a LoRA out of use; its file stays."""
    from vidgen.errors import ModelError

    if not _shelf().forget_lora(lora_id):
        raise ModelError(f"lora={lora_id}: not installed", code="unknown_model")
    click.echo(f"{lora_id} removed")


def _is_network(path: Path) -> bool:
    """Whether a folder holds a single network and no pipeline of several."""
    from vidgen_models.estimators import CONFIG
    from vidgen_models.folder_check import INDEX

    return (path / CONFIG).is_file() and not (path / INDEX).is_file()


def _add_estimator(path: Path, wishes: dict[str, Any]) -> None:
    from vidgen.families.estimator_folder import estimator_in
    from vidgen_models.estimators import by_control

    made = estimator_in(path, wishes["model_id"], wishes["licence"])
    _shelf().put_estimator(made)
    click.echo(f"{made.id} revision {made.revision}: {made.network}, draws {' and '.join(by_control([made]))}")


def _folder(path: Path, base: str | None, component: str | None, wishes: dict[str, Any]) -> Any:
    from vidgen.families.installation import Wishes, manifest_for

    if base or component:
        raise click.UsageError("--base and --component belong to a single file; PATH is a folder")
    return manifest_for(path, Wishes(**wishes))


def _like(manifest: Any, other: str) -> Any:
    from vidgen.families import likeness

    return likeness.like(manifest, likeness.installed_like(other, _registry().manifests))


def _check_like(path: Path, like: str, wishes: dict[str, Any]) -> None:
    """Refuses by name what the rules of the other model would take the place of."""
    if path.is_file():
        raise click.UsageError("--like belongs to a folder; what holds for a single file is its --base's")
    if wishes["controls"]:
        raise click.UsageError(f"--control and --like: what {like} follows holds here, too; leave one of them out")


def _refuse_beside(context: click.Context, what: str, taken: tuple[str, ...]) -> None:
    """Refuses every option that was given and that nothing would come of."""
    for option in context.command.params:
        given = context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE
        if given and option.name not in taken:
            raise click.UsageError(f"{option.opts[0]}: not for {what}; it takes --id and --licence")


def _single(path: Path, base: str | None, component: str | None, wishes: dict[str, Any]) -> Any:
    from vidgen.families.installation import Wishes
    from vidgen.families.single_files import single_file_manifest

    registry = _registry()
    under = None
    if base is not None:
        # an id may be the name of a folder that happens to lie here; what is installed is meant then
        under = Path(base) if base not in registry.manifests and Path(base).is_dir() else registry.get(base)
    installed = list(registry.manifests.values())
    return single_file_manifest(path, installed, Wishes(**wishes), base=under, component=component)


def _apply(manifest: Any, changed: Any) -> None:
    """Put the changed manifest to use. Raises ModelError where one of a folder that comes later hides it."""
    from vidgen.errors import ModelError

    if changed == manifest:
        click.echo(f"{manifest.id} runs so already")
        return
    back = "rollback" if _shelf().has(manifest.id) else "remove"
    _shelf().put(changed)
    if _registry().get(manifest.id) != changed:
        _shelf().remove(manifest.id)
        raise ModelError(
            f"model={manifest.id}: its manifest lies in a folder of VIDGEN_MODEL_FOLDERS, which counts more; write "
            f'weights = "{changed.weights}" and [running] offload = "{changed.running.offload}" there'
        )
    click.echo(f"{manifest.id} runs so from its next job on; `vidgen models {back} {manifest.id}` takes it back")


def _list() -> None:
    registry = _registry()
    for manifest in registry.manifests.values():
        click.echo(f"{manifest.id:20} {manifest.description}")
    for estimator in registry.estimators.values():
        click.echo(f"{estimator.id:20} {estimator.network}: sees {estimator.kind} in clips, for controls")


def _registry() -> Any:
    from vidgen.jobs.settings import load_settings
    from vidgen_models.registry import ModelRegistry

    return ModelRegistry(*load_settings().manifest_folders)


def _shelf() -> Any:
    from vidgen.jobs.settings import load_settings
    from vidgen_models.shelf import Shelf

    return Shelf(load_settings().added_models)

"""`vidgen train-lora`: a LoRA from a user's own clips, on this machine."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from vidgen.cli.errors import errors_as_text
from vidgen.errors import ModelError

FAMILY = "wan_vace"


@click.command("train-lora")
@click.argument("clips", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--prompt", default="", help="Caption of clips that have no text file of their name beside them.")
@click.option("--model", "model_id", default="sprites-64", show_default=True, help="A model of `vidgen models`.")
@click.option("--steps", type=click.IntRange(1, 100_000), default=200, show_default=True)
@click.option("--rank", type=click.IntRange(1, 256), default=8, show_default=True, help="More can learn more.")
@click.option("--rate", type=click.FloatRange(1e-7, 1.0), default=1e-3, show_default=True, help="How fast it learns.")
@click.option("--batch", type=click.IntRange(1, 64), default=2, show_default=True, help="Clips a step.")
@click.option("--frames", type=int, help="Of each clip, from its beginning; default: the model's.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--install", "lora_id", help="Add it under this id, so that jobs may use it.")
@click.option("--estimate", is_flag=True, help="Only say how long it would take.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("lora.safetensors"), show_default=True)
@errors_as_text
def train_lora(clips: tuple[Path, ...], out: Path, lora_id: str | None, estimate: bool, **asked: Any) -> None:
    """Train a LoRA on CLIPS and write it to --out, in diffusers' layout.

    Every clip has a caption: CLIP.txt beside it, or --prompt. Stopped at any moment, the same command goes on where it
    was: the state lies beside --out until the training is done.
    """
    from vidgen.runtime.threads import wait_without_spinning

    wait_without_spinning()  # before torch is loaded
    training, model = _prepared(clips, asked)
    try:
        _tell(training, len(clips))
        if not estimate:
            _train(training, out)
            _write(training, out, asked, model)
            if lora_id is not None:
                _install(out, asked["model_id"], lora_id)
    finally:
        training.close()


def _prepared(clips: Sequence[Path], asked: dict[str, Any]) -> tuple[Any, Any]:
    """The training, and the model's manifest. Raises VidgenError before any step."""
    from vidgen.adaptation.examples import caption_of, read_examples
    from vidgen.adaptation.training import Training, TrainingSettings
    from vidgen.jobs.settings import load_settings
    from vidgen.pipelines import Residency
    from vidgen.spec.resolve import checked_frames
    from vidgen_models.registry import ModelRegistry

    registry = ModelRegistry(*load_settings().manifest_folders)
    manifest = registry.get(asked["model_id"])
    if manifest.family != FAMILY:
        raise ModelError(
            f"model={manifest.id}: LoRAs are trained on the family {FAMILY} only, not on {manifest.family}"
        )
    for clip in clips:
        caption_of(clip, asked["prompt"])  # before weights are read
    frames = checked_frames(asked["frames"] or manifest.rules.frames.default, manifest.rules.frames)
    model: Any = Residency(registry).model(manifest.id)
    examples = read_examples(model, clips, asked["prompt"], manifest.rules, frames)
    config = model.scheduler(1).config
    settings = TrainingSettings(
        steps=asked["steps"],
        rank=asked["rank"],
        learning_rate=asked["rate"],
        batch=asked["batch"],
        seed=asked["seed"],
        shift=float(config.get("shift", config.get("flow_shift", 1.0))),
    )
    return Training(model.base, examples, model.encode_text([""]).detach(), settings, model.fingerprint), manifest


def _tell(training: Any, clips: int) -> None:
    seconds = training.seconds_per_step()
    count = sum(parameter.numel() for layer in training.layers.values() for parameter in (layer.down, layer.up))
    minutes = seconds * training.settings.steps / 60
    click.echo(f"{clips} clips, {count} numbers to learn, {seconds:.2f} s a step, about {minutes:.1f} minutes in all")


def _train(training: Any, out: Path) -> None:
    from rich.progress import Progress as Bar

    state = out.with_name(f"{out.name}.state")
    if state.is_file():
        training.load(state)
        click.echo(f"going on after step {training.done}")
    with Bar() as bar:
        line = bar.add_task("training", total=training.settings.steps, completed=training.done)

        def report(done: int, loss: float) -> None:
            bar.update(line, completed=done, description=f"loss {loss:.3f}")

        training.run(report, lambda: training.save(state))


def _write(training: Any, out: Path, asked: dict[str, Any], manifest: Any) -> None:
    from vidgen.adaptation.low_rank import write_lora

    about = {
        "model": manifest.id,
        "revision": manifest.revision,
        "steps": str(asked["steps"]),
        "rank": str(asked["rank"]),
    }
    write_lora(out, training.layers, about)
    out.with_name(f"{out.name}.state").unlink(missing_ok=True)
    click.echo(f"{out}: for {manifest.id}, revision {manifest.revision}")


def _install(out: Path, model_id: str, lora_id: str) -> None:
    from vidgen.families.installation import lora_for
    from vidgen.jobs.settings import load_settings
    from vidgen_models.registry import ModelRegistry
    from vidgen_models.shelf import Shelf

    settings = load_settings()
    manifest = ModelRegistry(*settings.manifest_folders).get(model_id)
    made = lora_for(out, [manifest], lora_id, "yours")
    Shelf(settings.added_models).put_lora(made)
    click.echo(f"{made.id}: `vidgen render … --lora {made.id}`")

"""`vidgen models show`: what a model can do, as a table for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from vidgen.spec import ModelRules

if TYPE_CHECKING:
    from vidgen.families.memory_plan import Way
    from vidgen_models.registry import Manifest

LABEL, WIDTH = 12, 100


def show_model(manifest: "Manifest") -> None:
    """Print its identity, its rules and the words that it knows."""
    click.echo(f"{manifest.name}, revision {manifest.revision}")
    click.echo(click.wrap_text(manifest.licence, WIDTH))
    click.echo(click.wrap_text(manifest.description, WIDTH))
    for label, text in (*_rules(manifest.rules), *_words(manifest)):
        click.echo(click.wrap_text(text, WIDTH, f"{label:{LABEL}}", " " * LABEL))


def show_plan(manifest: "Manifest", sizes: Mapping[str, int], device: str) -> None:
    """Print what each network takes, and what was measured of whole runs."""
    for name, megabytes in sizes.items():
        click.echo(f"{name:{LABEL + 8}}{megabytes:>8} MB on {device}")
    click.echo(f"{'all at once':{LABEL + 8}}{sum(sizes.values()):>8} MB")
    for row in manifest.memory:
        if row.device == device and row.measured:
            clip = f"and {row.bytes_per_pixel_frame:g} bytes for each pixel of each frame"
            click.echo(f"measured, tier {row.tier}: {row.base_mb:g} MB {clip}")


def show_ways(ways: "Sequence[Way]", chosen: "Way | None", memory_mb: int | None) -> None:
    """Print every way that a model could lie on a device, the best first, and which is taken where `memory_mb` is."""
    for way in ways:
        form = f"{way.weights}, tier {way.tier.word}" + (", layers" if way.offload == "layers" else "")
        mark = "->" if way == chosen else "  "
        click.echo(f"{mark} {form:{LABEL + 14}}{way.at_once_mb:>8} MB at once: {way.words}")
    if memory_mb is not None:
        none = "no way fits; a smaller checkpoint or a larger device is needed"
        told = none if chosen is None else f"{chosen.weights}, tier {chosen.tier.word}, {chosen.at_once_mb} MB at once"
        click.echo(f"{memory_mb} MB: {told}")


def show_running(manifest: "Manifest", attention: "Sequence[str]") -> None:
    """Print how the model is run now, and what else this machine has for it."""
    running = manifest.running
    click.echo(f"attention {running.attention} (here: {', '.join(attention)})")
    click.echo(f"compiled blocks: {'yes' if running.compile else 'no'}; devices: {running.devices}")


def _rules(rules: ModelRules) -> Iterator[tuple[str, str]]:
    frames, sides, steps, guidance = rules.frames, rules.sides, rules.steps, rules.guidance
    longest = f"; up to {rules.long.max_frames} in chunks" if rules.long else ""
    yield "tasks", ", ".join(rules.tasks)
    yield (
        "frames",
        f"{frames.min} to {frames.max} in steps of {frames.step} (default {frames.default}){longest}; {rules.fps} fps",
    )
    yield (
        "size",
        (f"{sides.min}" if sides.min == sides.max else f"{sides.min} to {sides.max} in steps of {sides.multiple}")
        + " px a side "
        f"(default {sides.default_width}\u00d7{sides.default_height})",
    )
    yield "steps", f"{steps.min} to {steps.max} (default {steps.default})"
    yield "guidance", f"{guidance.min:g} to {guidance.max:g} (default {guidance.default:g})"
    yield "last image", rules.last_image
    if rules.options:
        yield "advanced", ", ".join(rules.options)
    if rules.samplers:
        yield "samplers", ", ".join(rules.samplers)
    if rules.loras:
        yield "LoRAs", ", ".join(rules.loras)
    if not rules.prompt or not rules.negative_prompt:
        yield "prompts", "a prompt, but no negative one" if rules.prompt else "none: it follows its picture alone"


def _words(manifest: "Manifest") -> Iterator[tuple[str, str]]:
    for kind, known in manifest.vocabulary().items():
        if isinstance(known, dict):
            yield kind, "; ".join(f"{word}: {', '.join(others)}" for word, others in known.items())
        else:
            yield kind, ", ".join(known)

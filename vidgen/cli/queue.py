"""`vidgen queue`: pause it, resume it, and see how it stands."""

from typing import Any

import click

from vidgen.cli.access import control_plane
from vidgen.cli.errors import errors_as_text


@click.group()
def queue() -> None:
    """Pause and resume the queue, and see how it stands."""


@queue.command()
@click.option("--reason", help="Shown to everybody who asks why nothing starts.")
@errors_as_text
def pause(reason: str | None) -> None:
    """Hand out no more jobs: queued ones wait, running ones go on, new ones are accepted."""
    with control_plane() as plane:
        plane.switch.pause(reason)
        _say(plane)


@queue.command()
@errors_as_text
def resume() -> None:
    """Hand out jobs again."""
    from vidgen.jobs.line.pokes import poke

    with control_plane() as plane:
        plane.switch.resume()
        poke(plane.settings)
        _say(plane)


@queue.command()
@errors_as_text
def status() -> None:
    """Whether the queue is paused, how many jobs wait and run, and who works."""
    with control_plane() as plane:
        _say(plane)


def _say(plane: Any) -> None:
    state, counts, workers = plane.switch.state(), plane.jobs.counts(), plane.presence.alive()
    since = f" since {state.changed_at:%Y-%m-%d %H:%M} UTC" if state.paused and state.changed_at else ""
    reason = f": {state.reason}" if state.reason else ""
    click.echo(f"{'paused' if state.paused else 'open'}{since}{reason}")
    click.echo(f"{counts['queued']} queued, {counts['running']} running, {len(workers)} workers")
    for worker in workers:
        memory = f"{worker.memory_mb} MB" if worker.memory_mb else "memory unknown"
        click.echo(f"  {worker.id}  {worker.device or '?'}, {memory}, {worker.job_id or 'idle'}")

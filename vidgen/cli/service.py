"""Verbs that run the service's processes, and that say how they are."""

import sys

import click

from vidgen.cli.errors import errors_as_text


@click.command()
@errors_as_text
def up() -> None:
    """Start portal and worker on this machine and print the address. Ctrl+C stops both, losing nothing."""
    from vidgen.jobs.settings import load_settings
    from vidgen.launcher import run_service

    sys.exit(run_service(load_settings()))


@click.command()
@errors_as_text
def web() -> None:
    """Run the web process alone (portal and HTTP API)."""
    from vidgen.launcher import run_web

    run_web()


@click.command()
@click.option("--name", hidden=True, help="What `vidgen up` calls it.")
@errors_as_text
def worker(name: str | None) -> None:
    """Run one worker process alone: it takes jobs from the database and owns one device."""
    from vidgen.launcher import run_worker

    sys.exit(run_worker(name))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--web-only", is_flag=True, help="This installation runs `vidgen web` alone and needs no engine.")
@errors_as_text
def doctor(as_json: bool, web_only: bool) -> None:
    """Say what is wrong with this installation and what to do. Exit code 1 when something is."""
    from rich.console import Console

    from vidgen.doctor import examination, report

    findings = list(examination.examine(web_only=web_only))
    if as_json:
        click.echo(report.as_json(findings))
    else:
        report.show(findings, Console())
    sys.exit(0 if examination.is_healthy(findings) else 1)


@click.command()
@click.argument("processes", nargs=-1, required=True, type=click.Choice(["web", "worker"]))
@errors_as_text
def alive(processes: tuple[str, ...]) -> None:
    """For health checks: exit code 0 when these processes of this host live."""
    from vidgen.doctor.liveness import PROCESSES
    from vidgen.jobs.settings import load_settings

    settings = load_settings()
    for name in processes:
        PROCESSES[name](settings)

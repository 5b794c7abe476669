"""The `vidgen` command: the service's processes, and the engine without the service."""

import click

from vidgen import __version__
from vidgen.cli.access import audit, keys, quotas
from vidgen.cli.control import control
from vidgen.cli.enhance import enhance
from vidgen.cli.models import models
from vidgen.cli.probe import probe
from vidgen.cli.process import process
from vidgen.cli.queue import queue
from vidgen.cli.recall import recall
from vidgen.cli.render import render
from vidgen.cli.seams import seams
from vidgen.cli.service import alive, doctor, up, web, worker
from vidgen.cli.sweep import sweep
from vidgen.cli.train_lora import train_lora
from vidgen.cli.watermark import watermark

VERBS = (
    *(up, web, worker, doctor, alive),
    *(render, sweep, enhance, process, control, seams, watermark, probe, recall),
    *(models, train_lora),
    *(queue, keys, quotas, audit),
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="vidgen")
def main() -> None:
    """Generate and animate video.

    \b
    Start the whole service:   vidgen up
    Make one clip without it:  vidgen render "a cat moves left on a blue background"
    Settings come from VIDGEN_… environment variables; docs/operations.md lists them.
    """


for verb in VERBS:
    main.add_command(verb)

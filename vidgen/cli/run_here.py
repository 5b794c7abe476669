"""Renders a resolved spec in this process, with a progress bar: what `render` and `process` share."""

import json
from pathlib import Path
from typing import Any

import click

from vidgen.cli.measured import lines_of
from vidgen.runtime.processes import is_first
from vidgen.spec import Progress


def render_here(
    spec: Any, media: dict[str, Path], out: Path, chunks: Path | None = None, lender: Path | None = None
) -> None:
    """Make the clip and put it at `out`. `chunks` is where its parts are kept, `lender` where those of an earlier one
    were.
    """
    from tempfile import TemporaryDirectory

    from rich.progress import Progress as Bar

    from vidgen.jobs.settings import load_settings
    from vidgen.runtime.threads import wait_without_spinning
    from vidgen_models.registry import ModelRegistry

    wait_without_spinning()  # before torch is loaded
    from vidgen.pipelines import Residency, render
    from vidgen.runtime.chunks import ChunkStore, FolderChunkStore
    from vidgen.runtime.context import RunContext
    from vidgen.runtime.lent_chunks import LendingChunkStore

    with Bar() as bar, TemporaryDirectory(dir=out.resolve().parent) as folder:
        line = bar.add_task("loading", total=1.0)

        def show(progress: Progress) -> None:
            steps = f" {progress.step}/{progress.total_steps}" if progress.total_steps else ""
            bar.update(line, completed=progress.fraction, description=f"{progress.stage.value}{steps}")

        # on disk also when they are not kept, so that memory does not grow with the length of the clip
        store: ChunkStore = FolderChunkStore(chunks or Path(folder) / "chunks")
        if lender is not None:
            store = LendingChunkStore(store, lender)
        ctx = RunContext(media=media, report=show, chunks=store, lender=lender)
        residency = Residency(ModelRegistry(*load_settings().manifest_folders))
        made = render(spec, ctx, Path(folder), residency)
        if is_first():
            made.video.path.replace(out)
        seams = next((_told(file.path) for file in made.files if file.kind == "seams"), "")
        asked = next((_measured(file.path) for file in made.files if file.kind == "conditioning"), "")
        bar.update(line, completed=1.0, description="done")
    click.echo(str(out) + seams + asked)


def _measured(report: Path) -> str:
    """What a conditioned clip was asked for and does, a line an item."""
    told = json.loads(report.read_text())
    return "".join(f"\n{line}" for line in lines_of(told))


def _told(report: Path) -> str:
    """A long clip's seam report in a few words."""
    seams = json.loads(report.read_text())
    again = sum(entry["kept"] and entry["attempt"] != "first" for entry in seams["repairs"])
    return f"\n{len(seams['joints'])} joints, {seams['verdicts']['fail']} above a threshold, {again} repaired"

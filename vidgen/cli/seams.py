"""`vidgen seams`: how well the pieces of a clip join."""

import json
import sys
from pathlib import Path

import click

from vidgen.cli.errors import errors_as_text


@click.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--joints", help="Where it is joined: '25,37' or '21-25,33-37'; empty: look for seams everywhere.")
@click.option("--cuts", help="Frames that begin a new shot on purpose: '48,96'.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--plot", "picture", type=click.Path(dir_okay=False, path_type=Path), help="Draw it into an SVG file.")
@errors_as_text
def seams(file: Path, joints: str | None, cuts: str | None, as_json: bool, picture: Path | None) -> None:
    """Measure the joints of a clip against the rest of it. Exit code 1 when one of them can be seen."""
    from vidgen.media.reader import every_frame
    from vidgen.quality.seams import SeamMeter, judge, plot, scan
    from vidgen.quality.seams.notation import joints_of

    meter = SeamMeter()
    for frame in every_frame(file):
        meter.add(frame[None])
    series = meter.series()
    named = joints_of(joints or "", cuts or "", len(series))
    report = judge(series, named) if named else scan(series)
    if picture is not None:
        picture.write_text(plot(series, report))
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2))
    else:
        for found in report.joints:
            why = f" ({', '.join(found.failed)})" if found.failed else ""
            steps = f"{found.joint.first}-{found.joint.last}"
            click.echo(f"{steps:>11}  {found.verdict:4}  score {found.score:.2f}{why}")
        click.echo(f"{len(series)} frames, {len(report.joints)} joints, {len(report.failed)} above a threshold")
    sys.exit(1 if report.failed else 0)

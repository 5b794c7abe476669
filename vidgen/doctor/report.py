"""The findings as a coloured table, or as JSON for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vidgen import __version__
from vidgen.doctor.examination import is_healthy
from vidgen.doctor.finding import Finding, Verdict

MARKS = {Verdict.OK: ("✓", "green"), Verdict.WARNING: ("!", "yellow"), Verdict.PROBLEM: ("✗", "bold red")}


def as_json(findings: Sequence[Finding]) -> str:
    return json.dumps(
        {"version": __version__, "healthy": is_healthy(findings), "findings": [asdict(it) for it in findings]}, indent=2
    )


def show(findings: Sequence[Finding], console: Console) -> None:
    """One row a finding; what to do stands under what was found."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(width=1)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        mark, style = MARKS[finding.verdict]
        told = Text(finding.detail)
        if finding.remedy:
            told.append(f"\n→ {finding.remedy}", style="italic")
        table.add_row(Text(mark, style=style), Text(finding.subject, style=style), told)
    console.print(table)
    console.print(_summary(findings))


def _summary(findings: Sequence[Finding]) -> str:
    problems = sum(finding.verdict is Verdict.PROBLEM for finding in findings)
    warnings = sum(finding.verdict is Verdict.WARNING for finding in findings)
    if problems:
        return f"{problems} to put right, {warnings} to look at"
    return f"it works; {warnings} to look at" if warnings else "all is well"

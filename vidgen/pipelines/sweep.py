"""A sweep's clips one after the other, and the sheet that shows them side by side."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from vidgen.media.contact_sheet import Filmstrip, write_sheet
from vidgen.media.frames import FrameChunk
from vidgen.pipelines.factory import pipeline_for
from vidgen.pipelines.residency import Residency
from vidgen.pipelines.resolved import Resolved
from vidgen.runtime.context import RunContext
from vidgen.spec.sweep import Axis, Cell, title_of, told


def sweep(cells: Sequence[Cell], axes: Sequence[Axis], ctx: RunContext, residency: Residency, out: Path) -> None:
    """Make every clip and write the sheet, with all resolved specs inside. Raises whatever a render raises."""
    strips: dict[tuple[int, int], FrameChunk] = {}
    for cell in cells:
        model = residency.model(cell.spec.model, ctx.memory_tier)
        recipe = pipeline_for(str(getattr(cell.spec, "task", "")), model, cell.spec.advanced)
        with torch.inference_mode():
            strip = Filmstrip(Resolved.of(cell.spec).num_frames).take(recipe(cell.spec, ctx))
        strips[cell.column, cell.row] = strip
    across, *down = told(cells, axes)
    first = cells[0].spec
    write_sheet(
        out,
        strips,
        columns=across.values,
        rows=down[0].values if down else ("",),
        title=title_of(first, axes),
        about=json.dumps([_facts(cell) for cell in cells]),
    )


def _facts(cell: Cell) -> Mapping[str, object]:
    return {"column": cell.column, "row": cell.row, "spec": cell.spec.model_dump(mode="json")}

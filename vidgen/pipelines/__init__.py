"""One readable recipe a task, and `render`, which turns a resolved spec into files."""

from vidgen.pipelines.render import RenderedFile, RenderResult, render
from vidgen.pipelines.residency import Residency

__all__ = ["RenderResult", "RenderedFile", "Residency", "render"]

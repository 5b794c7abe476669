"""What a runner does with a spec: renders a clip, or trains a LoRA."""

from pathlib import Path
from typing import Any

from vidgen.adaptation.job import TrainingResult, train
from vidgen.pipelines import Residency, render
from vidgen.pipelines.render import RenderResult
from vidgen.runtime.context import RunContext
from vidgen.spec import JobSpec
from vidgen.spec.train_lora import TrainLora

__all__ = ["Residency", "work"]


def work(spec: JobSpec, ctx: RunContext, out_dir: Path, residency: Residency) -> RenderResult | TrainingResult:
    """Raises VidgenError."""
    if not isinstance(spec, TrainLora):
        return render(spec, ctx, out_dir, residency)
    model: Any = residency.model(spec.model)
    return train(spec, ctx, out_dir, model, residency.registry.get(spec.model))

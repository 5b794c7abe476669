"""A resolved training job to the files a user gets: the LoRA, and how it was made."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from vidgen.adaptation.examples import Example, read_example
from vidgen.adaptation.low_rank import write_lora
from vidgen.adaptation.training import Training, TrainingSettings
from vidgen.runtime.context import RunContext
from vidgen.spec import Progress, Stage
from vidgen.spec.train_lora import TrainLora
from vidgen_models.registry import Manifest

LORA = "lora.safetensors"
LOSSES = "losses"
"""Of every step that is done, beside the state in what is kept."""
BEFORE, SHARE = 0.05, 0.9
"""Where the steps begin on the progress bar, and how much of it they take."""


@dataclass(frozen=True, slots=True)
class TrainedFile:
    """One finished file: `kind` is lora or receipt."""

    kind: str
    path: Path
    content_type: str


@dataclass(frozen=True, slots=True)
class TrainingResult:
    files: tuple[TrainedFile, ...]


def train(spec: TrainLora, ctx: RunContext, out_dir: Path, model: Any, manifest: Manifest) -> TrainingResult:
    """Train and write `lora.safetensors` and `receipt.json` into `out_dir`.

    Raises VidgenError (Cancelled within one step, MediaError for a clip that is too short, …); the model is as before.
    """
    ctx.report(Progress(Stage.ENCODING, 0.0))
    frames = spec.num_frames or manifest.rules.frames.default
    examples = [
        read_example(model, ctx.media[clip.video.key], clip.prompt or spec.prompt, manifest.rules, frames)
        for clip in spec.clips
    ]
    with torch.no_grad():
        silence = model.encode_text([""]).clone()
    training = Training(model.base, examples, silence, settings_of(spec, model), model.fingerprint)
    losses = _gone_on_with(training, ctx)

    def told(done: int, loss: float) -> None:
        losses.append(loss)
        ctx.report(Progress(Stage.PROCESSING, BEFORE + SHARE * done / spec.steps, step=done, total_steps=spec.steps))
        ctx.checkpoint()

    try:
        ctx.checkpoint()
        training.run(told, lambda: _keep(training, ctx, spec, losses))
        about = {"model": manifest.id, "revision": manifest.revision, "steps": str(spec.steps), "rank": str(spec.rank)}
        write_lora(out_dir / LORA, training.layers, about)
    finally:
        training.close()
    receipt = out_dir / "receipt.json"
    receipt.write_text(json.dumps(_receipt(spec, manifest, examples, losses), indent=2) + "\n")
    return TrainingResult(
        (
            TrainedFile("lora", out_dir / LORA, "application/octet-stream"),
            TrainedFile("receipt", receipt, "application/json"),
        )
    )


def _gone_on_with(training: Training, ctx: RunContext) -> list[float]:
    """Set the training to where an earlier attempt at this job has kept it; returns the losses until there."""
    kept = ctx.chunks.load(0, training.fingerprint)
    if kept is None:
        return []
    losses: list[float] = kept.pop(LOSSES).tolist()
    training.restore(kept, len(losses))
    return losses


def _keep(training: Training, ctx: RunContext, spec: TrainLora, losses: Sequence[float]) -> None:
    """The state takes the place of a long clip's first chunk: it outlives worker and runner, and goes with the job."""
    state = training.state() | {LOSSES: torch.tensor(losses, dtype=torch.float64)}
    ctx.chunks.commit(0, training.fingerprint, state, seed=spec.seed or 0, about={"steps": training.done})


def settings_of(spec: TrainLora, model: Any) -> TrainingSettings:
    """As the model's own schedule lays the noise levels."""
    config = model.scheduler(1).config
    return TrainingSettings(
        steps=spec.steps,
        rank=spec.rank,
        learning_rate=spec.rate,
        batch=spec.batch,
        seed=spec.seed or 0,
        shift=float(config.get("shift", config.get("flow_shift", 1.0))),
    )


def _receipt(
    spec: TrainLora, manifest: Manifest, examples: Sequence[Example], losses: Sequence[float]
) -> dict[str, Any]:
    return {
        "spec": spec.model_dump(mode="json"),
        "model": {"id": manifest.id, "revision": manifest.revision, "files": manifest.hashes},
        "examples": [example.name for example in examples],
        "losses": [round(loss, 5) for loss in losses],
    }

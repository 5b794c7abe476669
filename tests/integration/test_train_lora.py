"""A LoRA trained on clips moves what the shipped model makes towards them, beside a control without training."""

import numpy as np
import pytest
import torch

from vidgen.adaptation.examples import read_examples
from vidgen.adaptation.low_rank import write_lora
from vidgen.adaptation.training import Training, TrainingSettings
from vidgen.media.source import read_clip
from vidgen.media.writer import write_video
from vidgen.pipelines import Residency
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.spec import TextToVideo, resolve
from vidgen_models.folder_check import sha256
from vidgen_models.loras import LoraManifest
from vidgen_models.registry import ModelRegistry
from vidgen_models.shelf import Shelf

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(1200)]

MODEL, PROMPT, FRAMES = "sprites-64", "a diamond moves right on a yellow background", 5


def drawn() -> np.ndarray:
    """A teal diamond on orange ground, moving to the right: neither colour nor form are the model's own."""
    frames = np.full((FRAMES, 64, 64, 3), (240, 140, 30), np.uint8)
    down, across = np.mgrid[:64, :64]
    for n, frame in enumerate(frames):
        frame[(abs(down - 32) + abs(across - 16 - 2 * n)) < 14] = (40, 160, 150)
    return frames


def made(residency: Residency, loras: tuple[str, ...]) -> np.ndarray:
    advanced = {"loras": [{"id": lora_id} for lora_id in loras]}
    asked = TextToVideo(model=MODEL, prompt=PROMPT, seed=5, num_frames=FRAMES, advanced=advanced)
    spec = resolve(asked, residency.registry.get(MODEL).rules)
    with torch.inference_mode():
        model = residency.model(MODEL)
        return np.concatenate(list(pipeline_for(spec.task, model, spec.advanced)(spec, RunContext())))


def test_what_was_learned_moves_the_output_towards_the_clips(tmp_path):
    clip = write_video([drawn()], tmp_path / "clip.mp4", fps=8).path
    registry = ModelRegistry(tmp_path / "shelf")
    residency, rules = Residency(registry), registry.get(MODEL).rules
    model = residency.model(MODEL)
    examples = read_examples(model, [clip], PROMPT, rules, FRAMES)
    for lora_id, steps in (("control", 0), ("learned", 30)):
        settings = TrainingSettings(steps=steps, rank=8, learning_rate=3e-3, batch=1)
        training = Training(model.base, examples, model.encode_text([""]), settings, model.fingerprint)
        training.run(lambda *_: None, lambda: None)
        file = tmp_path / f"{lora_id}.safetensors"
        write_lora(file, training.layers, {"model": MODEL})
        training.close()
        Shelf(tmp_path / "shelf").put_lora(
            LoraManifest(id=lora_id, models=(MODEL,), file=str(file), sha256=sha256(file))
        )
    wanted = read_clip(clip, num_frames=FRAMES, fps=8, width=64, height=64).astype(float)
    control, learned = (np.abs(made(residency, (it,)) - wanted).mean() for it in ("control", "learned"))
    assert learned < 0.6 * control

"""LoRAs from a user's clips: what is learned, that a stopped training goes on, and the file that comes of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open

from tests.unit.families.conftest import distance
from vidgen.adaptation.examples import Example, read_examples
from vidgen.adaptation.low_rank import write_lora
from vidgen.adaptation.training import Training, TrainingSettings
from vidgen.errors import MediaError, ModelError
from vidgen.families.merged_lora import lora_deltas
from vidgen.media.writer import write_video
from vidgen.pipelines import Residency
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.spec import TextToVideo, resolve
from vidgen_models.folder_check import sha256
from vidgen_models.loras import LoraManifest
from vidgen_models.registry import ModelRegistry
from vidgen_models.shelf import Shelf

PROMPT = "a red cat"
SETTINGS = TrainingSettings(steps=4, rank=2, unconditional=0.0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Nine frames of a bright square on the left of dark ground."""
    frames = np.full((9, 32, 32, 3), 20, np.uint8)
    frames[:, 8:24, 2:14] = (240, 200, 30)
    return write_video([frames], tmp_path_factory.mktemp("clips") / "clip.mp4", fps=8).path


@pytest.fixture
def residency(tiny_manifests, tmp_path) -> Residency:
    return Residency(ModelRegistry(tiny_manifests, tmp_path / "shelf"))


@pytest.fixture
def begin(residency, clip):
    """Begins a training on the clip."""
    model, rules = residency.model("tiny"), residency.registry.get("tiny").rules
    examples = read_examples(model, [clip], PROMPT, rules.model_copy(update={"fps": 8}), 5)
    opened = []

    def training(settings: TrainingSettings = SETTINGS, examples: list[Example] = examples) -> Training:
        opened.append(Training(model.base, examples, model.encode_text([""]), settings, model.fingerprint))
        return opened[-1]

    yield training
    for it in reversed(opened):
        it.close()


def numbers(training: Training) -> list[torch.Tensor]:
    return [part.detach().clone() for layer in training.layers.values() for part in (layer.down, layer.up)]


def run(training: Training) -> list[float]:
    losses: list[float] = []
    training.run(lambda _, loss: losses.append(loss), lambda: None)
    return losses


def test_a_stopped_training_goes_on_as_if_it_never_stopped(begin, tmp_path):
    """Fails when the optimiser's averages are not kept: tried."""
    whole = begin()
    losses = run(whole)
    whole.close()
    half = begin(replace(SETTINGS, steps=2))
    run(half)
    half.save(tmp_path / "state")
    half.close()
    rest = begin()
    rest.load(tmp_path / "state")
    assert rest.done == 2
    assert run(rest) == losses[2:]
    assert all(torch.equal(a, b) for a, b in zip(numbers(whole), numbers(rest), strict=True))


def test_a_state_of_something_else_is_refused(begin, tmp_path):
    first = begin()
    run(first)
    first.save(tmp_path / "state")
    first.close()
    other = begin(replace(SETTINGS, rank=3))
    with pytest.raises(ModelError, match="of other clips, captions, settings or weights; remove it to begin anew"):
        other.load(tmp_path / "state")
    (tmp_path / "state").write_bytes(b"x" * 100)
    with pytest.raises(ModelError, match="not the state of a training"):
        other.load(tmp_path / "state")


def test_training_lowers_the_loss_and_no_steps_change_nothing(begin, residency, tmp_path):
    """What it does to frames, tests/integration/test_train_lora.py shows.

    Fails when the layers are not the network's own: tried.
    """
    learned = begin(TrainingSettings(steps=60, rank=8, learning_rate=5e-3, batch=4, unconditional=0.0))
    losses = run(learned)
    assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:10])
    _install(tmp_path, "learned", learned)
    _install(tmp_path, "control", begin(replace(SETTINGS, steps=0)))
    plain, control, made = (_made(residency, uses) for uses in ((), ("control",), ("learned",)))
    assert np.array_equal(plain, control)
    assert distance(made, plain) > 0


def test_the_file_says_what_the_network_learned(begin, tmp_path):
    """Fails when another matrix is written for A: tried."""
    training = begin()
    run(training)
    layers = dict(training.layers)
    made = _written(tmp_path, "made", training)
    with safe_open(made.path, "pt") as weights:
        assert weights.metadata()["model"] == "tiny"
        assert "transformer.blocks.0.attn1.to_q.lora_A.weight" in weights.keys()  # noqa: SIM118 - not a mapping
    deltas = lora_deltas(made)
    assert set(deltas) == set(layers)
    for name, layer in layers.items():
        x = torch.randn(3, layer.linear.in_features, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            assert torch.allclose(layer(x), layer.linear(x) + x @ deltas[name].T, atol=1e-5)


def test_clips_without_a_caption_or_too_short_are_refused(residency, clip):
    model, rules = residency.model("tiny"), residency.registry.get("tiny").rules
    with pytest.raises(MediaError, match=r"clip\.mp4: no caption; give --prompt, or write one into clip\.txt"):
        read_examples(model, [clip], "", rules, 5)
    with pytest.raises(MediaError, match="the source holds"):
        read_examples(model, [clip], PROMPT, rules, 81)


def _written(folder, lora_id: str, training: Training) -> LoraManifest:
    file = folder / f"{lora_id}.safetensors"
    write_lora(file, training.layers, {"model": "tiny"})
    training.close()
    return LoraManifest(id=lora_id, models=("tiny",), file=str(file), sha256=sha256(file))


def _install(folder, lora_id: str, training: Training) -> None:
    Shelf(folder / "shelf").put_lora(_written(folder, lora_id, training))


def _made(residency: Residency, loras: tuple[str, ...]) -> np.ndarray:
    advanced = {"loras": [{"id": lora_id} for lora_id in loras]} if loras else None
    fields = {"model": "tiny", "prompt": PROMPT, "seed": 5, "num_frames": 5, "guidance_scale": 1.0}
    spec = resolve(
        TextToVideo(**fields, num_inference_steps=2, advanced=advanced), residency.registry.get("tiny").rules
    )
    with torch.inference_mode():
        model = residency.model("tiny")
        return np.concatenate(list(pipeline_for(spec.task, model, spec.advanced)(spec, RunContext())))

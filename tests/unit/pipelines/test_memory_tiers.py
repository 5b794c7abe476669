"""The lower memory tier: the same clip to rounding, with less on the device at once."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vidgen.pipelines.factory import pipeline_for
from vidgen.pipelines.residency import Residency
from vidgen.runtime.context import RunContext
from vidgen.runtime.memory import on_device
from vidgen.spec import MemoryTier, TextToVideo, resolve
from vidgen_models.registry import ModelRegistry


@pytest.fixture
def spec(tiny_registry: ModelRegistry) -> TextToVideo:
    asked = TextToVideo(model="tiny", prompt="a red cat", num_frames=17, seed=3)
    return resolve(asked, tiny_registry.get("tiny").rules)


def count_batches(model: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many predictions each pass of the transformer makes, as they come."""
    seen: list[int] = []
    real = model.velocity

    def velocity(latents: Tensor, *rest: object) -> Tensor:
        seen.append(len(latents))
        return real(latents, *rest)

    monkeypatch.setattr(model, "velocity", velocity)
    return seen


def test_the_clip_is_the_same_and_fewer_frames_are_decoded_at_once(
    tiny_registry: ModelRegistry, spec: TextToVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when a tier changes nothing, or the clip: tried by batching the guidance at both tiers."""
    residency, chunks, batches = Residency(tiny_registry), {}, {}
    for tier in MemoryTier:
        model = residency.model("tiny", tier)
        seen = count_batches(model, monkeypatch)
        ctx = RunContext(memory_tier=tier)
        with torch.inference_mode():
            chunks[tier] = list(pipeline_for(spec.task, model)(spec, ctx))
        batches[tier] = set(seen)
    assert (batches[MemoryTier.FULL], batches[MemoryTier.LOW]) == ({2}, {1})
    assert max(len(chunk) for chunk in chunks[MemoryTier.FULL]) == 16
    assert max(len(chunk) for chunk in chunks[MemoryTier.LOW]) == 4
    full, low = (np.concatenate(chunks[tier]).astype(int) for tier in MemoryTier)
    assert full.shape == low.shape
    assert np.abs(full - low).max() <= 1


def test_another_tier_reads_the_model_anew(tiny_registry: ModelRegistry) -> None:
    residency = Residency(tiny_registry)
    full = residency.model("tiny")
    assert residency.model("tiny", MemoryTier.FULL) is full
    assert residency.model("tiny", MemoryTier.LOW) is not full


def test_a_network_goes_home_to_the_very_weights_it_left() -> None:
    """Others may share them, as the base of a VACE network does. Fails when going home makes a copy: tried."""
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    before = {name: tensor.data_ptr() for name, tensor in network.state_dict().items()}
    with on_device(network, torch.device("meta")) as moved:
        assert {tensor.device.type for tensor in moved.state_dict().values()} == {"meta"}
    assert {name: tensor.data_ptr() for name, tensor in network.state_dict().items()} == before
    assert network.eval()(torch.ones(2, 4)).isfinite().all()

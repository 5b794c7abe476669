"""A recipe that was killed goes on where it was, and what it writes is what the service reads."""

from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from training import checkpoints, upscaling
from training.checkpoints import Clock
from training.export_networks import export
from training.parallel import Workers
from training.upscaling_data import SHARES, SIDE
from vidgen_models.frame_networks import upscaler_from


@pytest.fixture(autouse=True)
def steps_of_half_a_second(monkeypatch) -> None:
    """However busy the machine is, a step costs what it costs here."""
    monkeypatch.setattr(checkpoints, "monotonic", count(0, 0.5).__next__)


@pytest.fixture
def work(tmp_path) -> Path:
    """Prepared pairs: smooth squares and their small ones."""
    rng = np.random.default_rng(0)
    for damage in SHARES:
        with (tmp_path / f"pairs-x2-{damage}.bin").open("wb") as file:
            for _ in range(3):
                cells = Image.fromarray(rng.integers(0, 255, (16, 16, 3)).astype(np.uint8))
                large = cells.resize((2 * SIDE, 2 * SIDE), Image.Resampling.BICUBIC)
                small = large.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
                file.write(np.asarray(small).tobytes() + np.asarray(large).tobytes())
    return tmp_path


def train(work: Path, minutes: float) -> dict:
    upscaling.train(Workers(), scale=2, minutes=minutes, batch_size=2, rate=0.005, cache=work, work=work)
    return torch.load(work / "upscaling-x2.pt", weights_only=True)


def test_a_recipe_goes_on_from_its_checkpoint(work):
    first = train(work, 0.02)
    assert first["step"] == 3
    again = train(work, 0.02)
    assert again["step"] == 3, "its time was spent"
    assert all(torch.equal(again["average"][k], v) for k, v in first["average"].items())
    later = train(work, 0.04)
    assert later["step"] == 5
    assert later["spent"] > first["spent"]
    assert len(later["optimiser"]["state"]) == len(list(first["model"]))


def test_the_moving_average_is_kept_apart_from_the_weights(work):
    """Fails when it is not restored: tried."""
    state = train(work, 0.04)
    net, average, _ = upscaling.begin(2, work, Clock(budget=1), 0.005)
    assert all(torch.equal(v, state["average"][k]) for k, v in average.state_dict().items())
    assert not all(torch.equal(v, average.state_dict()[k]) for k, v in net.state_dict().items())


def test_what_was_trained_is_what_is_shipped(work):
    state = train(work, 0.02)
    expected = export(work / "upscaling-x2.pt", work / "shipped")
    net = upscaler_from(work / "shipped" / "model.safetensors", expected).net
    assert all(torch.equal(net.state_dict()[k], v) for k, v in state["average"].items())

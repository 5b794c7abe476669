"""The recipes on a CUDA device: a step of training there follows the CPU, and its checkpoints go on on either."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "models"))

from training import vae
from training.captions import Scene
from training.checkpoints import Clock, restore, save
from training.networks import base_view, use_plain_attention
from training.optimiser import for_module
from training.presets import PRESETS, TransformerPreset
from training.tokenizer import build_tokenizer
from training.transformer import Batch, Context, build, flow_loss

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight"),
]
CUDA = torch.device("cuda")
TINY = replace(PRESETS["full"], transformer=TransformerPreset(2, 16, 2, 32, (0,), 16, 1, minutes=1, batch=2))


@pytest.mark.parametrize("conditioned", [False, True])
def test_a_step_of_the_transformer_moves_every_weight_and_resumes_on_the_cpu(tmp_path: Path, conditioned: bool) -> None:
    tokenizer, rng = build_tokenizer(), np.random.default_rng(0)
    model = build(TINY, tokenizer, CUDA)
    use_plain_attention(model["transformer"])
    base, optimiser, clock = base_view(model["transformer"]), for_module(model, 0.01, 0.1), Clock(1.0)
    latents = torch.randn(2, 16, 5, 16, 16)
    mask = torch.randint(0, 2, (2, 64, 5, 16, 16), dtype=torch.uint8)
    context = Context(latents, None, mask, latents[:1], False).to(CUDA, CUDA)
    given = context.draw(torch.arange(2), rng, CUDA) if conditioned else None
    batch = Batch(latents.to(CUDA), [Scene("cat", "left", "blue")] * 2, given)
    losses = []
    for _ in range(2):
        loss = flow_loss(model, base, tokenizer, batch, rng)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    assert np.isfinite(losses).all()
    save(tmp_path / "there.pt", clock, model, optimiser)
    here = build(TINY, tokenizer)
    assert restore(tmp_path / "there.pt", clock, here, for_module(here, 0.01, 0.1)) is not None
    assert next(here.parameters()).device.type == "cpu"


def test_a_step_of_the_autoencoder_gives_the_loss_of_the_cpu() -> None:
    clips = np.random.default_rng(1).integers(0, 255, (1, 5, 128, 128, 3), np.uint8)
    errors = []
    for device in (torch.device("cpu"), CUDA):
        torch.manual_seed(0)
        network = vae.build(replace(TINY.vae, base_dim=4)).to(device)
        _, parts = vae.learn(network, vae.to_tensor(clips, device), 0.0)
        errors.append(float(parts["pixel"]))
        assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)
    assert errors[1] == pytest.approx(errors[0], rel=0.05)

"""LoRAs in the weights of the model whose loop is ours: what they add, how they are swapped, what is refused."""

import json

import numpy as np
import pytest
import torch
from diffusers import WanPipeline
from safetensors.torch import save_file

from tests.unit.families.conftest import distance
from vidgen.errors import ModelError
from vidgen.families.merged_lora import MergedLoras, additions, lora_deltas
from vidgen.pipelines import Residency, render
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.spec import JOB_SPEC, resolve
from vidgen.spec.advanced import AdvancedFields, LoraUse
from vidgen_models.folder_check import sha256
from vidgen_models.loras import LoraManifest
from vidgen_models.registry import ModelRegistry
from vidgen_models.shelf import Shelf

RANK = 2
LAYERS = ("blocks.0.attn1.to_q", "blocks.0.attn2.to_v", "vace_blocks.0.attn1.to_out.0")


@pytest.fixture
def shelf(tmp_path) -> Shelf:
    return Shelf(tmp_path / "shelf")


@pytest.fixture
def registry(tiny_manifests, tmp_path) -> ModelRegistry:
    return ModelRegistry(tiny_manifests, tmp_path / "shelf")


@pytest.fixture
def residency(registry) -> Residency:
    return Residency(registry)


@pytest.fixture
def lora(residency, shelf, tmp_path):
    """Adds LoRAs for some layers, in some notation."""
    network = dict(residency.model("tiny").transformer.named_modules())

    def add(lora_id: str, seed: int = 0, layers=LAYERS, named=lambda layer: f"transformer.{layer}", alpha=None):
        generator, weights = torch.Generator().manual_seed(seed), {}
        for layer in layers:
            linear = network[layer]
            weights[f"{named(layer)}.lora_A.weight"] = torch.randn(RANK, linear.in_features, generator=generator)
            weights[f"{named(layer)}.lora_B.weight"] = torch.randn(linear.out_features, RANK, generator=generator)
            if alpha is not None:
                weights[f"{named(layer)}.alpha"] = torch.tensor(alpha)
        file = tmp_path / f"{lora_id}.safetensors"
        save_file(weights, file)
        made = LoraManifest(id=lora_id, models=("tiny",), file=str(file), sha256=sha256(file))
        shelf.put_lora(made)
        return made

    return add


def frames(residency: Residency, uses: dict[str, float], **fields) -> np.ndarray:
    asked = {"task": "text-to-video", "model": "tiny", "prompt": "a red cat", "seed": 3, "num_inference_steps": 2}
    loras = [{"id": lora_id, "weight": weight} for lora_id, weight in uses.items()]
    asked |= {"num_frames": 5, "advanced": {"loras": loras} if loras else None, **fields}
    spec = resolve(JOB_SPEC.validate_python(asked), residency.registry.get("tiny").rules)
    with torch.inference_mode():
        model = residency.model("tiny")
        return np.concatenate(list(pipeline_for(spec.task, model, spec.advanced)(spec, RunContext())))


def test_loras_change_the_frames_by_their_weights_and_leave_nothing_behind(residency, lora):
    """Fails when the kept weights are not put back: tried."""
    lora("one")
    lora("two", seed=1)
    plain = frames(residency, {})
    full = frames(residency, {"one": 1.0})
    assert distance(plain, full) > 0
    assert distance(full, frames(residency, {"one": 0.3})) > 0
    assert distance(full, frames(residency, {"one": 1.0, "two": 1.0})) > 0
    assert np.array_equal(plain, frames(residency, {"one": 0.0}))
    assert np.array_equal(plain, frames(residency, {}))


def test_jobs_with_different_loras_in_a_row_equal_those_on_fresh_models(residency, lora, registry):
    """Fails when the second LoRA is added to weights that still hold the first: tried."""
    lora("one")
    lora("two", seed=1)
    orders = ({"one": 1.0}, {"two": 0.7}, {}, {"two": 0.7, "one": 0.2}, {"one": 1.0})
    in_a_row = [frames(residency, uses) for uses in orders]
    for uses, made in zip(orders[:4], in_a_row, strict=False):
        assert np.array_equal(made, frames(Residency(registry), uses))
    assert np.array_equal(in_a_row[0], in_a_row[4])


def test_a_merged_lora_predicts_what_the_librarys_does(residency, lora):
    """Beside diffusers' own loader, which keeps the matrices apart."""
    made = lora("one", layers=LAYERS[:2])
    model = residency.model("tiny")
    shape = (1, *model.latent_shape(5, 32, 32))
    latents = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    text, moment = model.encode_text(["a red cat"]), torch.tensor([500.0])
    view = model.sampled(AdvancedFields(loras=(LoraUse(id="one", weight=0.7),)))
    with torch.inference_mode():
        ours, plain = view.velocity(latents, moment, text, None), model.velocity(latents, moment, text, None)
    fresh = Residency(residency.registry).model("tiny")
    pipeline = WanPipeline(
        tokenizer=None, text_encoder=None, vae=fresh.vae, scheduler=fresh.scheduler(2), transformer=fresh.base
    )
    pipeline.load_lora_weights(str(made.path), adapter_name="one")
    pipeline.set_adapters(["one"], [0.7])
    with torch.inference_mode():
        theirs = pipeline.transformer(latents, moment, text, return_dict=False)[0]
    assert (ours - plain).abs().max() > 1e-3
    assert torch.allclose(ours, theirs, atol=1e-4)


def test_conditioned_clips_go_through_the_same_weights(residency, lora):
    """The branch of conditions and the base network share them.

    Fails when only clips without conditions ask for LoRAs: tried.
    """
    made = lora("branch", layers=LAYERS[2:])
    model = residency.model("tiny")
    control = model.encode_control(torch.zeros(1, 3, 5, 32, 32), torch.ones(1, 1, 5, 32, 32))
    latents = torch.randn(1, *model.latent_shape(5, 32, 32), generator=torch.Generator().manual_seed(1))
    text, moment = model.encode_text(["a red cat"]), torch.tensor([500.0])
    view = model.sampled(AdvancedFields(loras=(LoraUse(id=made.id),)))
    with torch.inference_mode():
        led = [it.velocity(latents, moment, text, control) for it in (model, view)]
        free = [it.velocity(latents, moment, text, None) for it in (model, view)]
    assert (led[0] - led[1]).abs().max() > 1e-4
    assert torch.equal(free[0], free[1])


@pytest.mark.parametrize("alpha", [None, 1.0, 6.0])
def test_other_notations_say_the_same(lora, alpha):
    """That of the model's authors, and our own with an alpha. The closed form is `α/r·B·A`.

    Fails when alpha is lost: tried.
    """

    def named(layer: str) -> str:
        return "diffusion_model." + layer.replace("attn1.to_q", "self_attn.q")

    ours, theirs = lora("ours", layers=LAYERS[:1]), lora("theirs", layers=LAYERS[:1], named=named, alpha=alpha)
    (plain,), (scaled,) = lora_deltas(ours).values(), lora_deltas(theirs).values()
    assert list(lora_deltas(theirs)) == list(LAYERS[:1])
    assert torch.allclose(scaled, plain * (1.0 if alpha is None else alpha / RANK), atol=1e-5)
    assert torch.allclose(
        next(iter(lora_deltas(lora("own", layers=LAYERS[:1], alpha=alpha)).values())), scaled, atol=1e-5
    )


def test_what_does_not_fit_is_refused_and_changes_nothing(residency, lora, tmp_path):
    lora("one")
    plain = frames(residency, {})
    network = MergedLoras(residency.model("tiny").transformer)
    file = tmp_path / "bad.safetensors"
    for name, shape, told in (
        ("transformer.blocks.0.attn1.to_q", (3, 3), "does not fit"),
        ("transformer.nowhere", (3, 3), "does not fit"),
        ("text_encoder.layer", (3, 3), "no pair of matrices"),
    ):
        save_file(
            {f"{name}.lora_A.weight": torch.ones(2, shape[1]), f"{name}.lora_B.weight": torch.ones(shape[0], 2)}, file
        )
        bad = LoraManifest(id="bad", models=("tiny",), file=str(file), sha256=sha256(file))
        known = {**residency.registry.loras, "bad": bad}
        with pytest.raises(ModelError, match=f"lora=bad: .*{told}"):
            network.use(additions((LoraUse(id="one"), LoraUse(id="bad")), known))
    assert np.array_equal(plain, frames(residency, {}))
    file.write_bytes(b"other")
    with pytest.raises(ModelError, match="sha256 differs"):
        additions((LoraUse(id="bad"),), known)
    file.unlink()
    with pytest.raises(ModelError, match="is gone"):
        additions((LoraUse(id="bad"),), known)


def test_a_loras_content_is_in_the_fingerprint_and_in_the_receipt(residency, lora, tmp_path):
    """Fails when chunks are named by the LoRA's id alone: tried; one that was replaced would be gone on from."""
    uses, model = AdvancedFields(loras=(LoraUse(id="one", weight=0.5),)), residency.model("tiny")
    made = lora("one")
    before = residency.model("tiny").sampled(uses).fingerprint
    asked = {"task": "text-to-video", "model": "tiny", "num_frames": 5, "num_inference_steps": 1, "seed": 1}
    spec = resolve(JOB_SPEC.validate_python({**asked, "advanced": uses}), residency.registry.get("tiny").rules)
    render(spec, RunContext(), tmp_path, residency)
    told = json.loads((tmp_path / "receipt.json").read_text())["model"]
    assert told["adapters"] == [{"id": "one", "weight": 0.5, "sha256": made.sha256}]
    assert told["deployed"] == f"tiny@{told['revision']}+one:0.5"
    lora("one", seed=9)
    assert residency.model("tiny").sampled(uses).fingerprint != before != model.fingerprint

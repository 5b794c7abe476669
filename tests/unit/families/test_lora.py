"""LoRAs on the families that take them: what they change, how they stack, and that nothing of them stays."""

import json

import pytest
import torch
from safetensors.torch import save_file

from tests.tiny_families import (
    animatediff,
    cogvideox,
    framepack,
    hunyuan_video,
    latte,
    ltx,
    ltx2,
    mochi,
    skyreels,
    wan,
    wan_animate,
)
from tests.unit.families.conftest import distance
from vidgen.errors import ModelError, SpecError
from vidgen.families.installation import lora_for
from vidgen.pipelines import render
from vidgen.runtime.context import RunContext
from vidgen_models.folder_check import sha256
from vidgen_models.loras import LoraManifest
from vidgen_models.shelf import Shelf

CASES = [
    family.CASES[0]
    for family in (wan, wan_animate, ltx, ltx2, cogvideox, animatediff, hunyuan_video, framepack, skyreels, mochi)
]
# of Mochi's autocast to float32
pytestmark = pytest.mark.filterwarnings("ignore:In CPU autocast:UserWarning")
RANK = 2


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def tiny(request, tiny_of):
    return tiny_of(request.param)


@pytest.fixture
def lora(tiny, tmp_path):
    """Adds LoRAs to the model's shelf; gives a function that makes one of a seed."""
    shelf, network = Shelf(tiny.manifests), tiny.residency.model(tiny.manifest.id)
    name, part = next((name, network.parts[name]) for name in ("transformer", "unet") if name in network.parts)
    targets = {n: m for n, m in part.named_modules() if n.endswith(("to_q", "to_v")) and isinstance(m, torch.nn.Linear)}

    def add(lora_id: str, seed: int = 0) -> LoraManifest:
        torch.manual_seed(seed)
        weights = {}
        for target, layer in targets.items():
            weights[f"{name}.{target}.lora_A.weight"] = torch.randn(RANK, layer.in_features)
            weights[f"{name}.{target}.lora_B.weight"] = torch.randn(layer.out_features, RANK)
        file = tmp_path / f"{lora_id}.safetensors"
        save_file(weights, file)
        made = LoraManifest(id=lora_id, models=(tiny.manifest.id,), file=str(file), sha256=sha256(file))
        shelf.put_lora(made)
        return made

    yield add
    for lora_id in ("one", "two"):
        shelf.forget_lora(lora_id)


def used(**weights: float) -> dict:
    return {"loras": [{"id": lora_id, "weight": weight} for lora_id, weight in weights.items()]}


def test_a_lora_changes_the_frames_by_its_weight_and_leaves_nothing_behind(tiny, lora, tmp_path):
    """Fails when a LoRA stays in the network after its run, or its weight is not set: tried."""
    made = lora("one")
    lora("two", seed=1)
    plain = tiny.frames()
    full = tiny.frames(advanced=used(one=1.0))
    assert distance(plain, full) > 0
    assert distance(full, tiny.frames(advanced=used(one=0.3))) > 0
    assert (plain == tiny.frames(advanced=used(one=0.0))).all()
    both = tiny.frames(advanced=used(one=1.0, two=1.0))
    assert distance(both, full) > 0
    assert (plain == tiny.frames()).all()
    ctx = RunContext(media=tiny.media)
    render(tiny.spec(advanced=used(one=0.5)), ctx, tmp_path, tiny.residency)
    receipt = json.loads((tmp_path / "receipt.json").read_text())
    assert receipt["model"]["adapters"] == [{"id": "one", "weight": 0.5, "sha256": made.sha256}]


def test_what_was_not_made_for_the_model_is_refused_by_name(tiny, lora, tmp_path):
    lora("one")
    with pytest.raises(SpecError, match=r"advanced\.loras: nowhere is not made for tiny-family; there are one"):
        tiny.spec(advanced=used(nowhere=1.0))
    (tmp_path / "one.safetensors").write_bytes(b"other")
    with pytest.raises(ModelError, match="sha256 differs"):
        tiny.frames(advanced=used(one=1.0))


def test_a_family_without_loras_takes_none(tiny_of, tmp_path):
    file = tmp_path / "style.safetensors"
    save_file({"transformer.x.lora_A.weight": torch.zeros(2, 3)}, file)
    with pytest.raises(ModelError, match="model=tiny-family: its family takes no LoRA"):
        lora_for(file, [tiny_of(latte.CASES[0]).manifest], None, "unknown")


@pytest.mark.usefixtures("lora")
@pytest.mark.parametrize("place", ["{network}.nowhere", "prior.blocks.0"])
def test_a_lora_of_another_network_is_refused(tiny, tmp_path, place):
    """The library refuses layers that it does not find, and says nothing of a LoRA for parts there are none of.

    Fails when a LoRA of which nothing was loaded is let pass: tried.
    """
    file = tmp_path / "strange.safetensors"
    network = "unet" if "unet" in tiny.residency.model(tiny.manifest.id).parts else "transformer"
    name = f"{place.format(network=network)}.attn.to_q"
    save_file({f"{name}.lora_A.weight": torch.zeros(2, 3), f"{name}.lora_B.weight": torch.zeros(3, 2)}, file)
    strange = LoraManifest(id="two", models=(tiny.manifest.id,), file=str(file), sha256=sha256(file))
    Shelf(tiny.manifests).put_lora(strange)
    with pytest.raises(ModelError, match="lora=two"):
        tiny.frames(advanced=used(two=1.0))
    assert tiny.frames().any()

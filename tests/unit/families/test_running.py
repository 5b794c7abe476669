"""How networks are run: held in fewer bits, attended otherwise, compiled, moved by layers: nearly the same clip."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.hooks.group_offloading import ModuleGroup

from tests.tiny_families import animatediff, cogvideox, hunyuan_video, ltx, mochi, skyreels, wan
from tests.unit.families.conftest import Tiny, distance
from vidgen.errors import ModelError
from vidgen.families import load_family
from vidgen.families.running import compile_blocks
from vidgen.pipelines import Residency
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.spec import MemoryTier, TextToVideo, resolve
from vidgen_models.nets.held_weights import HELD, normal_float_levels
from vidgen_models.registry import Running

# of Mochi's autocast to float32
pytestmark = pytest.mark.filterwarnings("ignore:In CPU autocast:UserWarning")
CPU = torch.device("cpu")


def frames_of(model: Any, tiny: Tiny) -> np.ndarray:
    spec = tiny.spec()
    with torch.inference_mode():
        return np.concatenate(list(pipeline_for(spec.task, model)(spec, RunContext(media=tiny.media))))


def loaded(tiny: Tiny, **changes: Any) -> Any:
    return load_family(tiny.manifest.model_copy(update=changes), CPU, torch.float32)


def held_bytes(network: torch.nn.Module) -> int:
    return sum(weight.nbytes for weight in network.state_dict().values())


HELD_CASES = [(family.CASES[0], "float8") for family in (wan, ltx, animatediff, hunyuan_video)]
HELD_CASES += [(family.CASES[0], "int8") for family in (wan, ltx, animatediff, hunyuan_video, cogvideox, mochi)]
HELD_CASES += [(family.CASES[0], "nf4") for family in (wan, hunyuan_video, skyreels)]


@pytest.mark.parametrize(("case", "weights"), HELD_CASES, ids=lambda value: getattr(value, "name", value))
def test_weights_in_fewer_bits_make_nearly_the_same_clip(case, weights, tiny_of):
    """Fails when the networks keep their weights, or the weights are not in the model's name: tried."""
    tiny = tiny_of(case)
    own, model = tiny.residency.model("tiny-family"), loaded(tiny, weights=weights)
    network, plain = model.denoisers()[0], own.denoisers()[0]
    # but for norms and embeddings, which are much of a tiny network, and convolutions
    assert held_bytes(network) < (0.95 if case.name.startswith("animatediff") else 0.7) * held_bytes(plain)
    encoders = [isinstance(part, HELD) for encoder in model.text_encoders() for part in encoder.modules()]
    assert any(encoders) == (weights != "float8")
    assert 0 < distance(frames_of(model, tiny), tiny.frames()) < (20 if weights == "nf4" else 8)
    assert model.fingerprint != own.fingerprint


def test_the_levels_of_four_bits_are_those_of_the_paper():
    """Dettmers et al. 2023, appendix E, to four places."""
    levels = [-1.0, -0.6962, -0.5251, -0.3949, -0.2844, -0.1848, -0.0911, 0.0]
    levels += [0.0796, 0.1609, 0.2461, 0.3379, 0.4407, 0.5626, 0.7230, 1.0]
    assert normal_float_levels().tolist() == pytest.approx(levels, abs=1e-4)


@pytest.mark.parametrize("weights", ["int8", "nf4"])
def test_both_networks_of_wan_vace_hold_the_same_rounded_weights(weights, tiny_registry):
    """The base shares them with the branch of conditions. Fails when it has layers of its own."""
    spec = resolve(TextToVideo(model="tiny", prompt="a red cat", seed=3), tiny_registry.get("tiny").rules)
    manifest = tiny_registry.get("tiny").model_copy(update={"weights": weights})
    model: Any = load_family(manifest, CPU, torch.float32)
    layer = model.transformer.blocks[0].attn1.to_q
    assert isinstance(layer, HELD)
    assert model.base.blocks[0].attn1.to_q is layer

    def made(model: Any) -> np.ndarray:
        with torch.inference_mode():
            return np.concatenate(list(pipeline_for(spec.task, model)(spec, RunContext())))

    assert 0 < distance(made(model), made(Residency(tiny_registry).model("tiny"))) < 20


@pytest.mark.parametrize("case", [family.CASES[0] for family in (wan, ltx, hunyuan_video)], ids=lambda case: case.name)
def test_attention_is_computed_as_asked(case, tiny_of, monkeypatch):
    """Fails when the backend is not set on the network."""
    tiny, used = tiny_of(case), list[Any]()
    plain = torch.nn.attention.sdpa_kernel

    def noted(*backends: Any) -> Any:
        used.extend(backends)
        return plain(*backends)

    monkeypatch.setattr(torch.nn.attention, "sdpa_kernel", noted)
    made = frames_of(loaded(tiny, running=Running(attention="math")), tiny)
    assert torch.nn.attention.SDPBackend.MATH in used
    assert distance(made, tiny.frames()) < 0.1


def test_attention_that_is_not_to_be_had_is_refused_with_what_is(tiny_of):
    with pytest.raises(ModelError, match="attention=flash: not to be had here on cpu; there are native, math"):
        loaded(tiny_of(wan.CASES[0]), running=Running(attention="flash"))
    with pytest.raises(ModelError, match="UNetMotionModel knows one way to attend; take native"):
        loaded(tiny_of(animatediff.CASES[0]), running=Running(attention="math"))


@pytest.fixture
def compiler():
    """Stands for a compiler: takes the graphs it is given, and runs them as they are."""
    graphs = list[torch.fx.GraphModule]()

    def compiled(graph: torch.fx.GraphModule, _: list[torch.Tensor]) -> Callable[..., Any]:
        graphs.append(graph)
        return graph.forward

    compiled.graphs = graphs  # type: ignore[attr-defined]
    yield compiled
    torch._dynamo.reset()


def test_blocks_that_repeat_are_compiled(tiny_of, compiler):
    """Fails when the networks are run without what was compiled."""
    tiny = tiny_of(wan.CASES[0])
    model = loaded(tiny)
    compile_blocks(model, backend=compiler)
    made = frames_of(model, tiny)
    assert compiler.graphs
    assert distance(made, tiny.frames()) < 0.1
    with pytest.raises(ModelError, match="MochiTransformer3DModel names no blocks that repeat; leave it out"):
        loaded(tiny_of(mochi.CASES[0]), running=Running(compile=True))


OFFLOADED = [family.CASES[0] for family in (wan, ltx, animatediff, hunyuan_video)]


@pytest.mark.parametrize("case", OFFLOADED, ids=lambda case: case.name)
def test_a_layer_at_a_time_is_on_the_device(case, tiny_of, monkeypatch):
    """What comes and goes, counted; the CPU stands for the device. Fails when layers stay there."""
    tiny, there, most = tiny_of(case), dict[int, int](), 0

    def size(group: ModuleGroup) -> int:
        tensors = [weight for module in group.modules for weight in module.parameters()] + list(group.parameters)
        return sum(tensor.nbytes for tensor in tensors)

    come, go = ModuleGroup.onload_, ModuleGroup.offload_

    def coming(group: ModuleGroup) -> None:
        nonlocal most
        there[id(group)] = size(group)
        most = max(most, sum(there.values()))
        come(group)

    def going(group: ModuleGroup) -> None:
        there.pop(id(group), None)
        go(group)

    monkeypatch.setattr(ModuleGroup, "onload_", coming)
    monkeypatch.setattr(ModuleGroup, "offload_", going)
    model = loaded(tiny)
    model.offload_layers()
    assert (frames_of(model, tiny) == tiny.frames()).all()
    assert 0 < most < 0.7 * sum(held_bytes(network) for network in model.denoisers())
    assert not there


def test_layers_are_offloaded_where_memory_is_short_alone(tiny_of, monkeypatch):
    """As a manifest asks it, on a GPU at the lower tier, where nothing is moved before it is used."""
    asked = []
    monkeypatch.setattr("vidgen.families.wan.Wan.offload_layers", lambda model: asked.append(model))
    tiny = tiny_of(wan.CASES[0])
    layers = tiny.manifest.model_copy(update={"running": Running(offload="layers")})
    for device, tier in (("cpu", MemoryTier.LOW), ("cuda", MemoryTier.LOW)):
        load_family(layers, torch.device(device), torch.float32, tier)
        assert bool(asked) == (device == "cuda")
    asked.clear()
    load_family(tiny.manifest, torch.device("cuda"), torch.float32, MemoryTier.LOW)
    assert not asked

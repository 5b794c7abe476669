"""What a model takes of memory: told from headers, held in 8 bits, and decoded in tiles when memory runs out."""

from functools import partial

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from tests.tiny_families import animatediff, framepack, hunyuan_video, ltx, ltx2, mochi, wan
from tests.unit.families.conftest import distance
from vidgen.cli import main
from vidgen.errors import ModelError, SpecError
from vidgen.families import load_family, memory_plan
from vidgen.families.installation import Wishes, manifest_for
from vidgen.families.memory_plan import floor_rows, network_megabytes, plan_for
from vidgen.jobs.line.admission import admit, memory_need
from vidgen.jobs.views import Capacity
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.spec import MemoryTier

# of Mochi's autocast to float32
pytestmark = pytest.mark.filterwarnings("ignore:In CPU autocast:UserWarning")


@pytest.fixture
def tiny(tiny_of):
    return tiny_of(wan.CASES[0])


@pytest.fixture
def in_bytes(monkeypatch):
    """Tiny networks are far below a megabyte."""
    monkeypatch.setattr(memory_plan, "MEGABYTE", 1)


@pytest.mark.usefixtures("in_bytes")
def test_what_networks_take_is_read_from_headers(tiny):
    """Fails when a network is left out, or a weight is counted in another width: tried."""
    parts = tiny.residency.model("tiny-family").parts
    held = {
        name: sum(weight.nbytes for weight in part.state_dict().values())
        for name, part in parts.items()
        if isinstance(part, torch.nn.Module)
    }
    told = network_megabytes(tiny.manifest, "cpu")
    # of tied weights, files hold one
    assert told.keys() == held.keys()
    assert told["transformer"] == held["transformer"]
    assert told["vae"] == held["vae"]
    half = network_megabytes(tiny.manifest, "cuda")
    assert half["transformer"] * 2 == told["transformer"]
    assert half["vae"] == told["vae"]  # in float32 everywhere


@pytest.mark.usefixtures("in_bytes")
def test_the_tier_is_the_richest_whose_weights_fit(tiny):
    sizes = network_megabytes(tiny.manifest, "cuda")
    largest, everything = max(sizes.values()), sum(sizes.values())
    planned = partial(plan_for, tiny.manifest, "cuda")
    assert (planned(everything).tier, planned(everything - 1).tier) == (MemoryTier.FULL, MemoryTier.LOW)
    assert (planned(largest).tier, planned(largest - 1).tier) == (MemoryTier.LOW, None)
    assert "does not fit" in planned(1).advice
    assert [(row.device, row.tier, row.base_mb) for row in floor_rows(tiny.manifest)] == [
        ("cpu", "full", sum(network_megabytes(tiny.manifest, "cpu").values())),
        ("cuda", "full", everything),
        ("cuda", "low", largest),
    ]


def test_a_model_whose_weights_cannot_fit_is_refused_before_it_is_queued(tiny):
    """As `models add` writes the table. Fails when an added manifest has none: tried."""
    manifest = manifest_for(tiny.manifest.path, Wishes(model_id="tiny-family"))
    assert not any(row.measured for row in manifest.memory)
    large = manifest.model_copy(
        update={"memory": tuple(row.model_copy(update={"base_mb": 9000}) for row in manifest.memory)}
    )
    # a floor is no forecast
    assert memory_need(tiny.spec(), large, floors=False) == {}
    with pytest.raises(
        SpecError, match="needs 9000 MB, and the largest worker has 8000 MB; no size of this model fits"
    ):
        admit(tiny.spec(), large, [Capacity(device="cuda", memory_mb=8000)])


CASES = [family.CASES[0] for family in (wan, ltx, animatediff, hunyuan_video)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_weights_in_8_bits_make_nearly_the_same_clip(case, tiny_of):
    """Fails when the networks keep their weights, or the weights are not in the model's name: tried."""
    tiny = tiny_of(case)
    light = tiny.manifest.model_copy(update={"weights": "float8"})
    model = load_family(light, torch.device("cpu"), torch.float32)
    name = next(name for name in memory_plan.DENOISERS if name in model.parts)
    held, own = (
        sum(weight.nbytes for weight in part.state_dict().values())
        for part in (model.parts[name], tiny.residency.model("tiny-family").parts[name])
    )
    assert held < 0.7 * own  # a quarter but for norms and embeddings, which are much of a tiny network
    spec = tiny.spec()
    with torch.inference_mode():
        frames = np.concatenate(list(pipeline_for(spec.task, model)(spec, RunContext(media=tiny.media))))
    assert 0 < distance(frames, tiny.frames()) < 8
    assert model.fingerprint != tiny.residency.model("tiny-family").fingerprint


def test_a_model_in_8_bits_takes_no_lora_and_wan_vace_is_refused(tiny, tiny_folder):
    manifest = manifest_for(tiny.manifest.path, Wishes(model_id="light", weights="float8"))
    assert (manifest.weights, "loras" in manifest.rules.options) == ("float8", False)
    with pytest.raises(ModelError, match="weights=float8: not for wan_vace"):
        manifest_for(tiny_folder, Wishes(model_id="light", weights="float8"))


AT_ONCE = [family.CASES[0] for family in (ltx, ltx2, hunyuan_video, framepack, mochi)]


@pytest.mark.parametrize("case", AT_ONCE, ids=lambda case: case.name)
def test_a_clip_that_does_not_fit_at_once_is_decoded_in_tiles(case, tiny_of, monkeypatch):
    """Fails when memory that ran out ends the run, or tiles stay on for the next clip: tried."""
    tiny = tiny_of(case)
    whole, vae = tiny.frames(), tiny.residency.model("tiny-family").vae
    plain, tried = vae.decode, []

    def decode(*arguments, **named):
        tried.append(vae.use_tiling)
        if not vae.use_tiling:
            raise torch.OutOfMemoryError("a device that holds no clip at once")
        return plain(*arguments, **named)

    monkeypatch.setattr(vae, "decode", decode)
    tiles = tiny.frames()
    assert tried[:2] == [False, True]
    assert not vae.use_tiling
    # these clips are smaller than a tile
    assert distance(whole, tiles) < 1


def test_the_plan_is_shown(tiny, monkeypatch):
    monkeypatch.setenv("VIDGEN_MODEL_FOLDERS", str(tiny.manifests))
    shown = CliRunner().invoke(main, ["models", "plan", "tiny-family", "--memory-mb", "100"])
    assert shown.exit_code == 0, shown.output
    assert "transformer" in shown.output
    assert "100 MB: tier full" in shown.output

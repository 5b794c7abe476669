"""What a model takes of memory: told from headers, planned for a device, and decoded in tiles when it runs out."""

from functools import partial

import pytest
import torch
from click.testing import CliRunner

from tests.tiny_families import framepack, hunyuan_video, ltx, ltx2, mochi, wan
from tests.unit.families.conftest import distance
from vidgen.cli import main
from vidgen.errors import ModelError, SpecError
from vidgen.families import memory_plan
from vidgen.families.installation import Wishes, manifest_for
from vidgen.families.memory_plan import floor_rows, network_megabytes, plan_for, ways
from vidgen.jobs.line.admission import admit, memory_need
from vidgen.jobs.views import Capacity
from vidgen.spec import MemoryTier
from vidgen_models.registry import ModelRegistry
from vidgen_models.shelf import Shelf

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
    assert planned(largest).tier is MemoryTier.LOW
    assert planned(1) is None
    every = ways(tiny.manifest, "cuda")
    assert [(way.weights, way.tier.word, way.offload) for way in every] == [
        ("own", "full", "networks"),
        ("own", "low", "networks"),
        ("int8", "full", "networks"),
        ("int8", "low", "networks"),
        ("own", "low", "layers"),
        ("nf4", "full", "networks"),
        ("nf4", "low", "networks"),
    ]
    assert every[0].at_once_mb > every[2].at_once_mb > every[5].at_once_mb
    # a layer at a time leaves the autoencoder where it is
    assert every[4].at_once_mb < sizes["vae"] + sizes["transformer"]
    assert [way.weights for way in ways(tiny.manifest, "cpu")] == ["own", "int8", "nf4"]
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


def test_a_model_in_8_bits_takes_no_lora_and_wan_vace_is_refused(tiny, tiny_folder):
    manifest = manifest_for(tiny.manifest.path, Wishes(model_id="light", weights="float8"))
    assert (manifest.weights, "loras" in manifest.rules.options) == ("float8", False)
    with pytest.raises(ModelError, match="weights=float8: not for wan_vace; take own, int8, nf4"):
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


def test_the_plan_is_shown_and_applied(tiny, monkeypatch, tmp_path):
    """Fails when what was chosen is not written into the manifest."""
    monkeypatch.setenv("VIDGEN_DATA_DIR", str(tmp_path))
    Shelf(tmp_path / "models").put(tiny.manifest)

    def plan(*more, code=0):
        shown = CliRunner().invoke(main, ["models", "plan", "tiny-family", "--device", "cpu", *more])
        assert shown.exit_code == code, shown.output
        return shown.output

    told = plan("--memory-mb", "100")
    assert "transformer" in told
    assert "100 MB: own, tier full" in told
    assert "attention native (here: native, math" in told
    monkeypatch.setattr(memory_plan, "MEGABYTE", 1)
    everything = sum(network_megabytes(tiny.manifest, "cpu").values())
    told = plan("--memory-mb", str(everything - 1), "--apply")
    assert "tiny-family runs so from its next job on; `vidgen models rollback tiny-family`" in told
    applied = ModelRegistry(tmp_path / "models").get("tiny-family")
    assert (applied.weights, "loras" in applied.rules.options) == ("int8", False)
    assert "no way fits" in plan("--memory-mb", "1")
    CliRunner().invoke(main, ["models", "rollback", "tiny-family"])
    # a folder of manifests that the operator wrote counts more
    monkeypatch.setenv("VIDGEN_MODEL_FOLDERS", str(tiny.manifests))
    assert 'write weights = "int8"' in plan("--memory-mb", str(everything - 1), "--apply", code=1)


def test_a_plan_counts_what_was_measured_beside_the_weights(monkeypatch, tmp_path):
    """Of the shipped model, whose weights are a tenth of a run. Fails when weights alone are planned."""
    monkeypatch.setenv("VIDGEN_DATA_DIR", str(tmp_path))
    manifest = ModelRegistry().get("sprites-64")
    measured = next(row.base_mb for row in manifest.memory if (row.device, row.tier) == ("cpu", "full"))
    assert plan_for(manifest, "cpu", 100) is None
    assert plan_for(manifest, "cpu", int(measured)).at_once_mb == int(measured)
    arguments = ["models", "plan", "sprites-64", "--device", "cpu", "--memory-mb", "2000", "--apply"]
    assert "runs so already" in CliRunner().invoke(main, arguments).output
    # the shipped manifest stays the one in use
    assert not list(tmp_path.rglob("sprites-64.toml"))

"""Single files of weights: told apart, fitted to a base by names and shapes, and run like a folder's own weights."""

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLWan

from tests.tiny_families import animatediff, ltx, originals, parts, wan
from tests.tiny_families.originals import renamed, weights
from tests.unit.families.conftest import Tiny, distance
from vidgen.errors import ModelError
from vidgen.families.installation import Wishes
from vidgen.families.single_files import single_file_manifest
from vidgen.pipelines import Residency
from vidgen_models.registry import ModelRegistry
from vidgen_models.shelf import Shelf
from vidgen_models.single_file import read_single

PICTURES = partial(animatediff.build, joined=False)
WAN = parts.Case("single-wan", wan.build, "text-to-video", wan.CLIP)
EXPERTS = parts.Case("single-experts", partial(wan.build, experts=True), "text-to-video", wan.CLIP)
LTX = parts.Case("single-ltx", ltx.build, "text-to-video", ltx.CLIP)
MOVED = parts.Case("single-animatediff", PICTURES, "text-to-video", animatediff.CLIP)
CHECKPOINT = (("unet", originals.UNET), ("vae", originals.PICTURE_VAE), ("text_encoder", originals.CLIP_TEXT))

FILES = {
    "wan": (WAN, (("transformer", originals.WAN),)),
    "wan-prefixed": (WAN, (("transformer", (*originals.WAN, (r"^", "model.diffusion_model."))),)),
    "wan-in-diffusers-names": (WAN, (("transformer", ()),)),
    "ltx-whole": (LTX, (("transformer", originals.LTX), ("vae", originals.LTX_VAE))),
    "stable-diffusion": (MOVED, CHECKPOINT),
    "motion-module": (MOVED, (("motion_adapter", originals.MOTION),)),
}


def model_of(case: parts.Case, tiny_of) -> tuple[Tiny, Path]:
    tiny = tiny_of(case)
    return tiny, tiny.manifest.path


def single(file: Path, tiny: Tiny, shelf: Path, **asked) -> Tiny:
    """The file added over the tiny model, with the same length of text, on a shelf of its own."""
    manifest = single_file_manifest(file, (), Wishes(model_id="tiny-family"), **{"base": tiny.manifest, **asked})
    Shelf(shelf).put(manifest.model_copy(update={"text_length": tiny.manifest.text_length}))
    made = Tiny(tiny.case, Residency(ModelRegistry(shelf)), shelf, tiny.media)
    torch.set_num_threads(1)  # as the tiny models run, whose frames these are compared with
    return made


def assert_same(a: np.ndarray, b: np.ndarray) -> None:
    """To one grey level: where weights lie in memory decides how sums are rounded."""
    assert np.abs(a.astype(int) - b.astype(int)).max() <= 1


def part_of(tiny: Tiny, component: str) -> dict[str, torch.Tensor]:
    """A network's weights as they were read; AnimateDiff joins its motion adapter to its network."""
    parts = tiny.residency.model("tiny-family").parts
    return (parts[component] or parts["unet"]).state_dict()


@pytest.mark.parametrize(("case", "held"), FILES.values(), ids=FILES.keys())
def test_a_file_in_its_authors_names_gives_the_frames_of_the_folder(case, held, tiny_of, tmp_path):
    """Every weight bit for bit; and with weights of its own other frames.

    Fails when a tensor lands under another one's name, or the folder's weights are read instead: tried.
    """
    tiny, folder = model_of(case, tiny_of)
    tensors = {}
    for component, renames in held:
        tensors |= renamed(weights(folder / component), renames)
    file = originals.save(
        tensors | {"model_ema.decay": torch.ones(1)} if len(held) > 1 else tensors, tmp_path / "a b.safetensors"
    )
    added = single(file, tiny, tmp_path / "one")
    assert set(added.manifest.single_files[0].components) == {component for component, _ in held}
    assert_same(added.frames(), tiny.frames())
    for component, _ in held:
        ours, theirs = (part_of(model, component) for model in (added, tiny))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    other = originals.save(
        {name: t * 1.3 if t.is_floating_point() else t for name, t in tensors.items()}, tmp_path / "b.safetensors"
    )
    changed = single(other, tiny, tmp_path / "two")
    assert distance(changed.frames(), tiny.frames()) > 0
    assert changed.manifest.revision != added.manifest.revision


def test_wans_autoencoder_in_its_authors_names(tmp_path):
    """Of the depth that its published files have. Fails when a level is taken for another one: tried."""
    torch.manual_seed(0)
    vae = AutoencoderKLWan(base_dim=4, z_dim=4, latents_mean=[0.0] * 4, latents_std=[1.0] * 4)
    vae.save_pretrained(tmp_path / "vae")
    own = vae.state_dict()
    file = originals.save(renamed(own, originals.WAN_VAE), tmp_path / "wan_vae.safetensors")
    read = read_single(AutoencoderKLWan, tmp_path / "vae", file, "vae", torch.float32).state_dict()
    assert read.keys() == own.keys()
    assert all(torch.equal(read[name], own[name]) for name in own)


def test_a_base_needs_no_weights_of_what_the_file_holds(tiny_of, tmp_path):
    """A folder with configurations and the other components is enough, and its model says where everything is from."""
    tiny, folder = model_of(WAN, tiny_of)
    file = originals.save(renamed(weights(folder / "transformer"), originals.WAN), tmp_path / "mine.safetensors")
    bare = Path(shutil.copytree(folder, tmp_path / "bare"))
    for weight in (bare / "transformer").glob("*.safetensors"):
        weight.unlink()
    added = single(file, tiny, tmp_path / "shelf", base=bare)
    assert added.manifest.description == "WanPipeline with the transformer of mine.safetensors."
    assert added.manifest.hashes["mine.safetensors"] == added.manifest.single_files[0].sha256
    assert_same(added.frames(), tiny.frames())


def test_the_first_installed_model_that_fits_is_the_base(tiny_of, tmp_path):
    models = [tiny_of(LTX).manifest, tiny_of(WAN).manifest]
    file = originals.save(
        renamed(weights(models[1].path / "transformer"), originals.WAN), tmp_path / "Mine 2.safetensors"
    )
    made = single_file_manifest(file, models, Wishes())
    assert (made.id, made.family, made.folder) == ("mine-2", "wan", str(models[1].path))
    with pytest.raises(ModelError, match=r"the transformer of Wan or SkyReels-V2\. No installed model .* give --base"):
        single_file_manifest(file, models[:1], Wishes())


def test_each_expert_can_be_a_file_and_the_files_are_stacked(tiny_of, tmp_path):
    """Fails when the second file takes the place of the first, or goes to the same expert: tried."""
    tiny, folder = model_of(EXPERTS, tiny_of)
    doubled = {name: tensor * 1.5 for name, tensor in weights(folder / "transformer_2").items()}
    low = originals.save(renamed(doubled, originals.WAN), tmp_path / "low.safetensors")
    high = originals.save(renamed(weights(folder / "transformer"), originals.WAN), tmp_path / "high.safetensors")
    one = single(low, tiny, tmp_path / "one", component="transformer_2")
    assert distance(one.frames(num_inference_steps=4), tiny.frames(num_inference_steps=4)) > 0
    both = single(high, tiny, tmp_path / "two", base=one.manifest)
    assert [entry.components for entry in both.manifest.single_files] == [("transformer_2",), ("transformer",)]
    assert_same(both.frames(num_inference_steps=4), one.frames(num_inference_steps=4))
    with pytest.raises(ModelError, match=r"component=unet: .* there are text_encoder, transformer, transformer_2, vae"):
        single(low, tiny, tmp_path / "three", component="unet")


def test_a_checkpoint_of_another_size_or_kind_is_refused_before_a_weight_is_read(tiny_of, tmp_path):
    """By the first tensor that differs. Fails when shapes are not compared: tried."""
    tiny, folder = model_of(WAN, tiny_of)
    own = renamed(weights(folder / "transformer"), originals.WAN)
    refused = partial(single, tiny=tiny, shelf=tmp_path / "shelf")
    larger = originals.save(
        {n: t.repeat(2) if t.ndim == 1 else t for n, t in own.items()}, tmp_path / "large.safetensors"
    )
    with pytest.raises(
        ModelError, match=r"large\.safetensors: .* is \(.*\), and \(.*\) in the transformer .* another size"
    ):
        refused(larger)
    less = originals.save(
        {n: t for n, t in own.items() if n != "patch_embedding.weight"}, tmp_path / "less.safetensors"
    )
    with pytest.raises(ModelError, match=r"no patch_embedding\.weight for the transformer"):
        refused(less, component="transformer")
    more = originals.save(own | {"blocks.9.extra": torch.ones(1)}, tmp_path / "more.safetensors")
    with pytest.raises(ModelError, match=r"blocks\.9\.extra has no place in the transformer"):
        refused(more, component="transformer")
    strange = originals.save({"a.weight": torch.ones(1)}, tmp_path / "strange.safetensors")
    with pytest.raises(ModelError, match=r"1 tensors in names of no family, such as a\.weight"):
        refused(strange)
    lora = originals.save({"x.lora_A.weight": torch.ones(1)}, tmp_path / "lora.safetensors")
    with pytest.raises(ModelError, match="add-lora"):
        refused(lora)


def test_of_a_whole_model_no_part_is_left_to_the_base_because_it_does_not_fit(tiny_of, tmp_path):
    """Fails when what fits is taken and the rest silently comes from the base: tried."""
    tiny, folder = model_of(LTX, tiny_of)
    network = {name: t for name, t in weights(folder / "transformer").items() if name != "proj_in.bias"}
    tensors = renamed(network, originals.LTX) | renamed(weights(folder / "vae"), originals.LTX_VAE)
    file = originals.save(tensors, tmp_path / "whole.safetensors")
    with pytest.raises(ModelError, match=r"no proj_in\.bias for the transformer"):
        single(file, tiny, tmp_path / "shelf")


def test_what_is_no_safetensors_or_was_changed_later_is_refused(tiny_of, tmp_path):
    tiny, folder = model_of(WAN, tiny_of)
    pickled = tmp_path / "old.ckpt"
    pickled.write_bytes(b"x")
    with pytest.raises(ModelError, match="can run code"):
        single(pickled, tiny, tmp_path / "shelf")
    false = tmp_path / "false.safetensors"
    false.write_bytes(b"PK\x03\x04" + b"x" * 64)
    with pytest.raises(ModelError, match="not a safetensors file"):
        single(false, tiny, tmp_path / "shelf")
    file = originals.save(renamed(weights(folder / "transformer"), originals.WAN), tmp_path / "mine.safetensors")
    added = single(file, tiny, tmp_path / "shelf")
    originals.save(renamed({n: t * 2 for n, t in weights(folder / "transformer").items()}, originals.WAN), file)
    with pytest.raises(ModelError, match="sha256 differs"):
        added.frames()

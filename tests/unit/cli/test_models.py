"""`vidgen models`: a folder is inspected, added, rendered with, replaced, rolled back and removed."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from tests import tiny_estimators
from tests.tiny_families import wan
from vidgen.cli import main
from vidgen.families.estimator_folder import estimator_in
from vidgen.media.probe import probe
from vidgen.media.reader import every_frame
from vidgen.media.writer import write_video
from vidgen_models.estimator_networks import load_estimator
from vidgen_models.registry import ModelRegistry


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    return wan.build(tmp_path_factory.mktemp("wan") / "Tiny Wan")


@pytest.fixture
def folder(built, tmp_path) -> Path:
    return shutil.copytree(built, tmp_path / "Tiny Wan")


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDGEN_DATA_DIR", str(tmp_path / "data"))

    def invoke(*arguments, code=0):
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exit_code == code, result.output
        return result.output

    return invoke


def test_an_added_folder_is_listed_and_renders(run, folder, tmp_path):
    """Fails when the shelf is not among the registry's folders: tried."""
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    assert "tiny-wan revision" in run("models", "add", folder)
    assert "tiny-wan" in run("models")
    shown = json.loads(run("models", "show", "tiny-wan", "--json"))
    assert (shown["family"], shown["licence"], shown["text_length"]) == ("wan", "apache-2.0", 512)
    assert shown["rules"]["tasks"] == ["text-to-video", "video-to-video"]
    assert "transformer/diffusion_pytorch_model.safetensors" in shown["files"]
    size = ["--frames", 5, "--width", 32, "--height", 32, "--steps", 1]
    run("render", "a cat", "--model", "tiny-wan", *size, "--out", tmp_path / "clip.mp4", "--advanced", "sampler=unipc")
    assert probe(tmp_path / "clip.mp4").num_frames == 5
    assert '"sampler": "unipc"' in run("probe", tmp_path / "clip.mp4")
    wrong = run("render", "a cat", "--model", "tiny-wan", *size, "--advanced", "sampler=ddim", code=1)
    assert "ddim is not for networks that predict a flow; tiny-wan takes euler, unipc, dpmpp-2m" in wrong
    assert "write NAME=VALUE" in run("render", "a cat", "--model", "tiny-wan", "--advanced", "unipc", code=1)


def test_a_few_step_checkpoint_takes_no_guidance(run, folder):
    run("models", "add", folder, "--id", "quick", "--few-steps", 4)
    rules = json.loads(run("models", "show", "quick", "--json"))["rules"]
    assert (rules["steps"]["default"], rules["guidance"]["max"], rules["negative_prompt"]) == (4, 1.0, False)
    assert "guidance_scale" in run("render", "a cat", "--model", "quick", "--guidance", 5, code=1)


def test_a_network_trained_anew_is_added_like_the_one_whose_shape_it_has(run, folder, tmp_path):
    """Fails when the rules are not taken over, and when shapes are not compared: tried."""
    shipped = ModelRegistry().get("sprites-64")
    mine = shutil.copytree(shipped.path, tmp_path / "mine")
    vae = json.loads((mine / "vae" / "config.json").read_text())
    (mine / "vae" / "config.json").write_text(json.dumps(vae | {"latents_mean": [0.5] * 16}))
    run("models", "add", mine, "--like", "sprites-64", "--few-steps", 3)
    rules = json.loads(run("models", "show", "mine", "--json"))["rules"]
    assert rules["conditioning"] == json.loads(shipped.rules.model_dump_json())["conditioning"]
    assert (rules["sides"]["default_width"], rules["frames"]["default"], rules["steps"]["default"]) == (64, 17, 3)
    run("render", "a cat moves left", "--model", "mine", "--out", tmp_path / "clip.mp4")
    assert probe(tmp_path / "clip.mp4").num_frames == 17
    config = json.loads((mine / "transformer" / "config.json").read_text())
    (mine / "transformer" / "config.json").write_text(json.dumps(config | {"rope_max_seq_len": 512}))
    other = run("models", "add", mine, "--like", "sprites-64", code=1)
    assert "like=sprites-64: its transformer has rope_max_seq_len=256, that of mine 512" in other
    assert "it is of the family wan_vace, and tiny-wan of wan" in run("models", "add", folder, "--like", "mine", code=1)


def test_a_shape_that_only_the_new_network_names_is_another_one(run, tmp_path):
    """Fails when the other model's keys alone are compared: tried."""
    mine = shutil.copytree(ModelRegistry().get("sprites-64").path, tmp_path / "mine")
    file = mine / "transformer" / "config.json"
    config = json.loads(file.read_text())
    file.write_text(json.dumps(config | {"image_dim": 24}))
    told = run("models", "add", mine, "--like", "sprites-64", code=1)
    assert "like=sprites-64: its transformer has image_dim=nothing, that of mine 24" in told
    # what is not there may be written as null or left out
    file.write_text(json.dumps({key: value for key, value in config.items() if value is not None} | {"new": None}))
    assert "mine revision" in run("models", "add", mine, "--like", "sprites-64")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            ["--like", "sprite-64"],
            "like=sprite-64: not installed; installed are sprites-64, sprites-64-fast; nearest: sprites-64",
        ),
        (["--like", "sprites-64", "--control", "depth"], "--control and --like: what sprites-64 follows holds here"),
    ],
)
def test_what_likeness_would_swallow_is_refused_by_name(run, tmp_path, more, told):
    """Fails when the other model's rules silently take the place of what was said: tried."""
    mine = shutil.copytree(ModelRegistry().get("sprites-64").path, tmp_path / "mine")
    assert told in run("models", "add", mine, *more, code=2 if "--control" in more else 1)
    assert "mine" not in run("models")


def test_a_single_file_or_network_is_like_no_model(run, folder, tmp_path):
    """Fails when options that nothing comes of are taken: tried."""
    network = tiny_estimators.depth_anything(tmp_path / "depth")
    for option in (["--like", "sprites-64"], ["--control", "canny"], ["--few-steps", "4"], ["--weights", "int8"]):
        told = run("models", "add", network, *option, code=2)
        assert f"{option[0]}: not for a folder of a single network" in told
    assert "--like belongs to a folder" in run("models", "add", weights_of(folder), "--like", "sprites-64", code=2)


def test_rollback_brings_the_earlier_revision_back(run, folder):
    """Fails when `put` overwrites what it replaces: tried."""
    run("models", "add", folder, "--id", "mine")
    first = json.loads(run("models", "show", "mine", "--json"))["revision"]
    weights = weights_of(folder)
    save_file({name: tensor * 1.01 for name, tensor in load_file(weights).items()}, weights, {"format": "pt"})
    run("models", "add", folder, "--id", "mine")
    assert json.loads(run("models", "show", "mine", "--json"))["revision"] != first
    run("models", "rollback", "mine")
    assert json.loads(run("models", "show", "mine", "--json"))["revision"] == first
    # the folder holds the newer weights, which the earlier manifest did not hash
    assert "sha256 differs" in run("render", "a cat", "--model", "mine", "--frames", 5, "--width", 32, code=1)
    run("models", "remove", "mine")
    assert "not installed" in run("models", "show", "mine", code=1)
    assert first in run("models", "rollback", "mine")


def test_an_added_wan_vace_offers_no_extension_before_its_windows_are_known(run, tiny_folder):
    """Fails when what the family could do is offered without the lengths it needs: tried."""
    run("models", "add", tiny_folder, "--id", "vace")
    rules = json.loads(run("models", "show", "vace", "--json"))["rules"]
    assert (rules["tasks"], rules["long"]) == (["text-to-video", "image-to-video", "video-to-video"], None)


def test_an_added_lora_is_used_by_name_and_removed(run, folder, tmp_path):
    run("models", "add", folder)
    target = "transformer.blocks.0.attn1.to_q"
    file = tmp_path / "Film Grain.safetensors"
    save_file({f"{target}.lora_A.weight": torch.ones(2, 24), f"{target}.lora_B.weight": torch.ones(24, 2)}, file)
    assert "film-grain for tiny-wan" in run("models", "add-lora", file, "--for", "tiny-wan")
    assert json.loads(run("models", "show", "tiny-wan", "--json"))["rules"]["loras"] == ["film-grain"]
    assert "LoRAs       film-grain" in run("models", "show", "tiny-wan")
    size = ["--frames", 5, "--width", 32, "--height", 32, "--steps", 1, "--seed", 1]
    run("render", "a cat", "--model", "tiny-wan", *size, "--lora", "film-grain:0.5", "--out", tmp_path / "clip.mp4")
    assert '"weight": 0.5' in run("probe", tmp_path / "clip.mp4")
    assert "holds no LoRA" in run("models", "add-lora", weights_of(folder), "--for", "tiny-wan", code=1)
    run("models", "remove-lora", "film-grain")
    assert "there are none" in run("render", "a cat", "--model", "tiny-wan", *size, "--lora", "film-grain", code=1)


def weights_of(folder: Path) -> Path:
    return folder / "vae" / "diffusion_pytorch_model.safetensors"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("vae/model.py", "print()", "unsafe_model"),
        ("text_encoder/pytorch_model.bin", "x", "unsafe_model"),
        ("vae/config.json", '{"auto_map": {}}', "auto_map"),
        ("model_index.json", '{"_class_name": "OtherPipeline"}', "no adapter reads a OtherPipeline"),
    ],
)
def test_what_is_unsafe_or_unknown_is_refused(run, folder, name, content, told):
    (folder / name).write_text(content)
    assert told in run("models", "add", folder, code=1)
    assert "tiny-wan" not in run("models")


def test_what_was_torn_in_its_download_is_refused_by_name(run, folder, tmp_path):
    """A folder, a single file, a LoRA, an embedding and an estimator. Fails when only headers are looked at: tried."""
    whole = weights_of(folder).read_bytes()
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(whole[: len(whole) // 2])
    told = "torn.safetensors: cut off, "
    assert told in run("models", "add", torn, "--base", folder, code=1)
    run("models", "add", folder)
    assert told in run("models", "add-lora", torn, "--for", "tiny-wan", code=1)
    weights_of(folder).write_bytes(torn.read_bytes())
    told = run("models", "add", folder, "--id", "again", code=1)
    assert "vae/diffusion_pytorch_model.safetensors: cut off, " in told
    assert "download it again" in told
    network = tiny_estimators.dpt(tmp_path / "Tiny DPT") / "model.safetensors"
    network.write_bytes(network.read_bytes()[:-1])
    assert "model.safetensors: cut off, " in run("models", "add", network.parent, code=1)


def test_an_incomplete_folder_is_refused_by_its_missing_part(run, folder):
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    assert "vae: no weights" in run("models", "add", folder, code=1)
    shutil.rmtree(folder / "vae")
    assert "vae" in run("models", "add", folder, code=1)


def test_what_was_never_added_cannot_be_removed_or_rolled_back(run):
    assert "not added" in run("models", "remove", "sprites-64", code=1)
    assert "nothing was in use before" in run("models", "rollback", "sprites-64", code=1)


def test_an_id_that_jobs_cannot_name_is_refused_with_the_nearest(run, folder):
    assert "nearest is my-model" in run("models", "add", folder, "--id", "My Model", code=1)


def test_a_single_file_is_added_over_a_base_and_renders(run, folder, tmp_path):
    """Fails when the base is not looked up among the models: tried."""
    file = tmp_path / "Fine Tune.safetensors"
    saved = load_file(folder / "transformer" / "diffusion_pytorch_model.safetensors")
    save_file({name: tensor * 1.1 for name, tensor in saved.items()}, file)
    assert "give --base" in run("models", "add", file, code=1)
    run("models", "add", folder)
    assert "fine-tune revision" in run("models", "add", file, "--base", "tiny-wan", "--licence", "mit")
    shown = json.loads(run("models", "show", "fine-tune", "--json"))
    assert (shown["family"], shown["licence"]) == ("wan", "mit")
    assert shown["single_files"][0]["components"] == ["transformer"]
    size = ["--frames", 5, "--width", 32, "--height", 32, "--steps", 1, "--seed", 1]
    run("render", "a cat", "--model", "fine-tune", *size, "--out", tmp_path / "clip.mp4")
    assert probe(tmp_path / "clip.mp4").num_frames == 5
    assert "PATH is a folder" in run("models", "add", folder, "--base", "tiny-wan", code=2)
    assert "not installed" in run("models", "add", file, "--base", "nowhere", code=1)


def test_a_depth_network_is_added_draws_controls_and_is_removed(run, tmp_path):
    """`vidgen control depth` is refused before and after; in between it gives what the network sees of each frame.

    Fails when the drawers do not reach the step: tried.
    """
    clip = tmp_path / "clip.mp4"
    write_video([np.random.default_rng(0).integers(0, 255, (3, 48, 64, 3), dtype=np.uint8)], clip, fps=8)
    ask = ["control", "depth", clip, "--out", tmp_path / "depth.mp4"]
    assert "no depth network is installed; add one with `vidgen models add FOLDER`" in run(*ask, code=1)
    folder = tiny_estimators.dpt(tmp_path / "Tiny DPT")
    assert "DPTForDepthEstimation, draws depth" in run("models", "add", folder)
    assert "sees depth in clips" in run("models")
    run(*ask)
    (frames,) = (np.stack(list(every_frame(path))) for path in [tmp_path / "depth.mp4"])
    seen = load_estimator(estimator_in(folder)).nearness(next(iter(every_frame(clip))))
    assert frames.shape == (3, 48, 64, 3)
    assert np.corrcoef(frames[0].mean(axis=2).ravel(), seen.ravel())[0, 1] > 0.9
    run("models", "remove", "tiny-dpt")
    assert "no depth network is installed" in run(*ask, code=1)


def test_a_folder_of_another_network_is_refused_by_its_class(run, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["BertModel"]}))
    assert "preprocessor_config.json: missing" in run("models", "add", tmp_path, code=1)
    (tmp_path / "preprocessor_config.json").write_text("{}")
    save_file({"one": torch.zeros(1)}, tmp_path / "model.safetensors")
    told = run("models", "add", tmp_path, code=1)
    assert "names ['BertModel']; such folders hold one of DepthAnythingForDepthEstimation" in told

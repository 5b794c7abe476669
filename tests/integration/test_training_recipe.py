"""The whole recipe of `make train-model` in one go, from archives to a folder that the service's pipelines render with;
smallest networks, one step a stage, drawn sprites in place of the packages'."""

import importlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from vidgen.families.installation import Wishes, manifest_for
from vidgen.pipelines import Residency
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.spec import TextToVideo, resolve
from vidgen_models.registry import ModelRegistry
from vidgen_models.shelf import Shelf

sys.path.insert(0, str(Path(__file__).parents[2] / "models"))

from training import bars_table, figures, latents, presets, sources, sprites, tokenizer

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    # training computes in half precision over weights in single
    pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight"),
]
MOMENT = 1e-4  # minutes: a stage takes its first step and is done
STRANGERS = ("1f9a0", "1f9a1", "1f9a2")  # sprites that no caption names


def tiny() -> presets.Preset:
    cpu = presets.PRESETS["cpu"]
    moments = dict.fromkeys(("image_minutes", "video_minutes", "long_minutes", "decoder_minutes"), MOMENT)
    return replace(
        cpu,
        name="tiny",
        vae=replace(cpu.vae, base_dim=4, image_batch=2, video_batch=2, **moments),
        latents=presets.LatentPreset(clips=36),
        transformer=presets.TransformerPreset(2, 16, 2, 32, (0,), 16, 1, minutes=MOMENT, batch=2),
        judges_minutes=MOMENT,
    )


def sprite(seed: int) -> Image.Image:
    """A disc of a colour of its own, on nothing."""
    y, x = np.mgrid[-1:1:32j, -1:1:32j]
    rgba = np.zeros((32, 32, 4), np.uint8)
    rgba[x**2 + y**2 < 0.8] = (*np.random.default_rng(seed).integers(0, 255, 3), 255)
    return Image.fromarray(rgba)


def packages(cache: Path) -> None:
    """What the registries would give, unpacked: still sprites, animated ones, a short film."""
    names = [subject.codepoint for subject in sprites.SUBJECTS]
    still = cache / sources.SPRITES.folder / "package" / "assets"
    moving = cache / sources.ANIMATIONS[0].folder / "package" / "assets"
    for folder in (still, moving, cache / sources.FILM.folder):
        folder.mkdir(parents=True)
    for number, name in enumerate((*names, *STRANGERS)):
        sprite(number).save(still / f"{name}.webp")
    for number, name in enumerate(names):
        sprite(number).save(moving / f"{name}.webp", save_all=True, append_images=[sprite(number + 1)], lossless=True)
    film = cv2.VideoWriter(
        str(cache / sources.FILM.folder / sources.FILM_NAME), cv2.VideoWriter.fourcc(*"mp4v"), 24, (320, 180)
    )
    for level in range(8):
        film.write(np.full((180, 320, 3), 20 * level, np.uint8))
    film.release()


@pytest.fixture(autouse=True)
def arithmetic() -> Iterator[None]:
    """As it was before: training rounds the smallest numbers to zero and chooses its threads, for the whole process."""
    threads = torch.get_num_threads()
    yield
    torch.set_flush_denormal(False)
    torch.set_num_threads(threads)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages and sizes that make every stage a matter of seconds."""
    packages(tmp_path / "sources")
    monkeypatch.setitem(presets.PRESETS, "tiny", tiny())
    monkeypatch.setattr(latents, "SHARD", 2)
    monkeypatch.setattr(tokenizer, "corpus", partial(tokenizer.corpus, 2000))
    monkeypatch.setattr("training.vae_forward.use_fused_kernels", lambda _: None)  # so does compiling them
    for module in ("training.vae", "training.decoder"):  # reading texture out of it takes a minute
        monkeypatch.setattr(f"{module}.film_file", lambda _: None)
    return tmp_path / "sources"


def test_the_recipe_runs_from_packages_to_a_folder_that_renders(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when a stage does not write what a later one reads, such as the statistics of the latents: tried."""
    work = tmp_path / "work"

    def run(stage: str, *arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", [stage, *arguments])
        importlib.import_module(f"training.{stage}").main()

    folders = ("--preset", "tiny", "--work", str(work))
    for part in ("image", "video", "long"):
        run("vae", *folders, "--stage", part, "--cache", str(cache))
    run("judges", *folders, "--cache", str(cache))
    run("latents", *folders, "--cache", str(cache))
    encoded = len(list((work / "latents").glob("*.pt")))
    run("transformer", *folders)
    run("decoder", *folders, "--cache", str(cache))
    run("export", *folders, "--output", str(tmp_path / "model"))
    assert encoded == len(latents.plan(36, 0.15))
    assert {"judges.pt", "transformer.pt", "vae-decoder.pt", "latent-statistics.pt"} <= {f.name for f in work.iterdir()}

    manifest = manifest_for(tmp_path / "model", Wishes(model_id="trained"))
    Shelf(tmp_path / "added").put(manifest)
    asked = TextToVideo(
        model="trained", prompt="a cat moves left", num_frames=5, width=64, height=64, num_inference_steps=1
    )
    residency = Residency(ModelRegistry(tmp_path / "added"))
    with torch.inference_mode():
        pipeline = pipeline_for("text-to-video", residency.model("trained"))
        frames = np.concatenate(list(pipeline(resolve(asked, manifest.rules), RunContext(media={}))))
    assert frames.shape == (5, 64, 64, 3)
    assert frames.std() > 0
    assert "not measured" in bars_table.table(figures.read(work), {})

"""The whole recipe of `make train-model` in one go, from archives to a folder that the service's pipelines render with;
smallest networks, one step a stage, drawn sprites in place of the packages'."""

import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from transformers import T5Tokenizer

from vidgen.families.installation import Wishes, manifest_for
from vidgen.pipelines import Residency
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.spec import TextToVideo, resolve
from vidgen_models.registry import VOCABULARY, ModelRegistry
from vidgen_models.shelf import Shelf

sys.path.insert(0, str(Path(__file__).parents[2] / "models"))

from training import bars_table, emojibase, figures, judges, latents, presets, sources, subjects, tokenizer

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    # training computes in half precision over weights in single
    pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight"),
]
MOMENT = 1e-4  # minutes: a stage takes its first step and is done
STRANGERS = ("1f9a0", "1f9a1", "1f9a2")  # sprites that no caption names
FURTHER = {"1f98d": "gorilla", "1f9a5": "sloth", "1f5ff": "moai"}  # that those of the full preset do


def tiny(of: str) -> presets.Preset:
    """A preset with the smallest networks and one step a stage; its side and subjects stay."""
    preset = presets.PRESETS[of]
    moments = dict.fromkeys(("image_minutes", "video_minutes", "long_minutes", "decoder_minutes"), MOMENT)
    return replace(
        preset,
        name="tiny",
        device="cpu",
        vae=replace(preset.vae, base_dim=4, num_res_blocks=1, image_batch=2, video_batch=2, **moments),
        latents=replace(preset.latents, clips=36),
        transformer=presets.TransformerPreset(2, 16, 2, 32, (0,), 16, 1, minutes=MOMENT, batch=2),
        distillation=replace(preset.distillation, guidance_minutes=MOMENT, steps_minutes=MOMENT, batch=2),
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
    names = [subject.codepoint for subject in subjects.SUBJECTS]
    still = cache / sources.SPRITES.folder / "package" / "assets"
    moving = cache / sources.ANIMATIONS[0].folder / "package" / "assets"
    for folder in (still, moving, cache / sources.FILM.folder):
        folder.mkdir(parents=True)
    for number, name in enumerate((*names, *STRANGERS, *FURTHER)):
        sprite(number).save(still / f"{name}.webp")
    for number, name in enumerate((*names, *FURTHER)):
        sprite(number).save(moving / f"{name}.webp", save_all=True, append_images=[sprite(number + 1)], lossless=True)
    labels = cache / sources.NAMES.folder / "package" / "en"
    (labels / "shortcodes").mkdir(parents=True)
    entries = [{"label": label, "hexcode": code.upper(), "group": 3, "tags": []} for code, label in FURTHER.items()]
    (labels / "data.json").write_text(json.dumps(entries))
    for short in emojibase.SHORT_NAMES:
        (labels / "shortcodes" / f"{short}.json").write_text("{}")
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
    monkeypatch.setattr(sources, "_download", lambda package, _: pytest.fail(f"{package.name} was fetched"))
    monkeypatch.setattr(latents, "SHARD", 2)
    monkeypatch.setattr(latents, "MEASURED", 4)
    monkeypatch.setattr(judges, "CHECKED", 8)
    monkeypatch.setattr(judges, "BATCH", 8)
    monkeypatch.setattr(tokenizer, "corpus", partial(tokenizer.corpus, 2000))
    monkeypatch.setattr("training.vae_forward.use_fused_kernels", lambda _: None)  # so does compiling them
    monkeypatch.setattr("training.vae.film_file", lambda _: None)  # reading texture out of it takes a minute
    return tmp_path / "sources"


class Recipe:
    """The stages of `make train-model`, in one process."""

    def __init__(self, cache: Path, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cache, self.work, self.monkeypatch = cache, work, monkeypatch

    def stage(self, name: str, *arguments: str) -> None:
        preset = () if name == "evaluate" else ("--preset", "tiny")
        folders = (*preset, "--work", str(self.work), "--cache", str(self.cache))
        self.monkeypatch.setattr(sys, "argv", [name, *folders, *arguments])
        importlib.import_module(f"training.{name}").main()

    def teacher(self) -> Path:
        """Everything up to a folder."""
        for part in ("image", "video", "long"):
            self.stage("vae", "--stage", part)
        for name in ("judges", "latents", "transformer", "decoder"):
            self.stage(name)
        self.stage("export", "--output", str(self.work / "model"))
        return self.work / "model"

    def student(self, teacher: Path) -> Path:
        """And on from it, to one of few steps."""
        for part in ("guidance", "steps"):
            self.stage("distillation", "--teacher", str(teacher), "--stage", part)
        self.stage("distillation", "--teacher", str(teacher), "--export-folder", str(self.work / "few-steps"))
        return self.work / "few-steps"


def rendered(folder: Path, added: Path, **asked: Any) -> np.ndarray:
    """A clip by the service's own pipeline, of a folder added as it is; what is not asked for is the folder's own."""
    manifest = manifest_for(folder, Wishes(model_id="trained"))
    Shelf(added).put(manifest)
    spec = TextToVideo(model="trained", prompt="a cat moves left", num_frames=5, **asked)
    with torch.inference_mode():
        pipeline = pipeline_for("text-to-video", Residency(ModelRegistry(added)).model("trained"))
        return np.concatenate(list(pipeline(resolve(spec, manifest.rules), RunContext(media={}))))


def test_the_recipe_runs_from_packages_to_a_folder_that_renders(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when a stage does not write what a later one reads, such as the statistics of the latents: tried."""
    monkeypatch.setitem(presets.PRESETS, "tiny", tiny("cpu"))
    recipe = Recipe(cache, tmp_path / "work", monkeypatch)
    folder = recipe.teacher()
    made = {file.name for file in recipe.work.iterdir()}
    assert {"judges.pt", "transformer.pt", "vae-decoder.pt", "latent-statistics.pt"} <= made
    assert len(list((recipe.work / "latents").glob("*.pt"))) == len(latents.plan(36, 0.15))
    frames = rendered(folder, tmp_path / "added", num_inference_steps=1)
    assert frames.shape == (5, 64, 64, 3)
    assert frames.std() > 0
    assert "not measured" in bars_table.table(figures.read(recipe.work), {})


def test_the_full_recipe_runs_to_a_folder_of_few_steps_at_its_own_side(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fails when the folder tells no rules of its own, the student's still ask for guidance, or
    a stage draws the common subjects alone: tried."""
    monkeypatch.setitem(presets.PRESETS, "tiny", tiny("full"))
    recipe = Recipe(cache, tmp_path / "work", monkeypatch)
    recipe.stage("prepare")
    assert "PRESET=tiny" in capsys.readouterr().out, "what it will cost is told first"
    teacher = recipe.teacher()
    student = recipe.student(teacher)
    rules = manifest_for(student, Wishes()).rules
    assert (rules.steps.default, rules.guidance.max, rules.distilled) == (4, 1.0, True)
    assert not manifest_for(teacher, Wishes()).rules.distilled
    frames = rendered(student, tmp_path / "added")
    assert frames.shape == (5, 128, 128, 3)
    assert frames.std() > 0
    latent = torch.load(next((recipe.work / "latents").glob("*.pt")), weights_only=True)["latents"]
    assert latent.shape[-2:] == (16, 16)
    known = json.loads((student / VOCABULARY).read_text())["subjects"]
    assert set(FURTHER.values()) <= set(known)
    assert len(known) == len(subjects.SUBJECTS) + len(FURTHER)
    words = set(T5Tokenizer.from_pretrained(student / "tokenizer").get_vocab())
    assert {f"▁{name}" for name in FURTHER.values()} <= words
    assert torch.load(recipe.work / "judges.pt", weights_only=True)["names"] == known
    few = ("--model", str(student), "--held-out", "1", "--trained", "1", "--steps", "1", "--guidance", "1")
    recipe.stage("evaluate", *few, "--only-text")
    assert "held-out pairs, 1 steps, guidance 1" in capsys.readouterr().out

"""A training as a job: what it leaves, that its steps are told, and that a cancel leaves the model as it was."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vidgen.adaptation.job import LORA
from vidgen.adaptation.training import Training
from vidgen.errors import Cancelled, MediaError
from vidgen.media.writer import write_video
from vidgen.pipelines import Residency
from vidgen.runtime.chunks import FolderChunkStore
from vidgen.runtime.context import RunContext
from vidgen.spec import JOB_SPEC, Progress, TextToVideo, resolve, resolve_training
from vidgen_workers.work import work

STEPS = 3


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    long, short = folder / "long.mp4", folder / "short.mp4"
    write_video([np.full((12, 32, 32, 3), 90, np.uint8)], long, fps=8)
    write_video([np.full((3, 32, 32, 3), 90, np.uint8)], short, fps=8)
    return {"upl_long": long, "upl_short": short}


def training(residency: Residency, clip: str = "upl_long"):  # type: ignore[no-untyped-def]
    fields = {"task": "train-lora", "model": "tiny", "name": "mine", "prompt": "a red cat", "num_frames": 5, "seed": 3}
    fields |= {"clips": [{"video": {"upload_id": clip}}], "steps": STEPS, "rank": 2, "batch": 1}
    manifest = residency.registry.get("tiny")
    return resolve_training(JOB_SPEC.validate_python(fields), manifest.rules, manifest.family)


@pytest.fixture(scope="module")
def residency(tiny_registry) -> Residency:
    return Residency(tiny_registry)


def rendered(residency: Residency, folder: Path) -> str:
    fields = {"model": "tiny", "prompt": "a red cat", "seed": 3, "num_frames": 5}
    spec = resolve(TextToVideo(**fields), residency.registry.get("tiny").rules)
    work(spec, RunContext(), folder, residency)
    found: str = json.loads((folder / "receipt.json").read_text())["frames"]["sha256"]
    return found


def test_a_training_leaves_weights_and_the_model_as_it_was(residency, media, tmp_path):
    """After a render, whose encodings are remembered. Fails when the layers stay in the network."""
    before = rendered(residency, tmp_path)
    seen: list[Progress] = []
    result = work(training(residency), RunContext(media=media, report=seen.append), tmp_path, residency)
    assert [file.kind for file in result.files] == ["lora", "receipt"]
    weights = load_file(result.files[0].path)
    assert all(name.startswith("transformer.") for name in weights)
    assert any(float(tensor.abs().sum()) > 0 for name, tensor in weights.items() if "lora_B" in name)
    assert [progress.step for progress in seen if progress.step] == [1, 2, 3]
    receipt = json.loads(result.files[1].path.read_text())
    assert (len(receipt["losses"]), receipt["spec"]["name"], len(receipt["examples"])) == (STEPS, "mine", 1)
    assert rendered(residency, tmp_path) == before


def test_a_cancel_ends_it_within_a_step_and_leaves_the_model_as_it_was(residency, media, tmp_path):
    before = [name for name, _ in residency.model("tiny").base.named_modules()]
    seen: list[Progress] = []
    ctx = RunContext(media=media, report=seen.append, cancelled=lambda: any(p.step == 1 for p in seen))
    with pytest.raises(Cancelled):
        work(training(residency), ctx, tmp_path, residency)
    assert seen[-1].step == 1
    assert not list(tmp_path.iterdir())
    assert [name for name, _ in residency.model("tiny").base.named_modules()] == before
    assert not torch.is_inference_mode_enabled()


class Died(Exception):
    """What ends a process in the middle of a step."""


def test_a_job_whose_worker_died_goes_on_after_the_last_state_that_was_kept(residency, media, tmp_path, monkeypatch):
    """To the bit, receipt and all. Fails when nothing is kept, or without the optimiser's averages: tried."""
    monkeypatch.setattr(Training.run, "__defaults__", (2,))  # kept after every second step
    spec = training(residency).model_copy(update={"steps": 5})
    steps: list[int] = []

    def attempt(name: str, store: FolderChunkStore, dies_at: int = 0) -> tuple[dict[str, torch.Tensor], str]:
        def report(progress: Progress) -> None:
            steps.append(progress.step)
            if dies_at and progress.step == dies_at:
                raise Died

        folder = tmp_path / name
        folder.mkdir()
        work(spec, RunContext(media=media, report=report, chunks=store), folder, residency)
        return load_file(folder / LORA), (folder / "receipt.json").read_text()

    weights, receipt = attempt("whole", FolderChunkStore(tmp_path / "other"))
    store = FolderChunkStore(tmp_path / "chunks")
    with pytest.raises(Died):
        attempt("first", store, dies_at=3)
    steps.clear()
    gone_on, same = attempt("second", store)
    assert same == receipt
    assert all(torch.equal(gone_on[name], tensor) for name, tensor in weights.items())
    assert weights.keys() == gone_on.keys()
    assert [step for step in steps if step] == [3, 4, 5]


def test_a_clip_that_is_too_short_ends_it_by_name(residency, media, tmp_path):
    with pytest.raises(MediaError, match="the source holds 3 frames at 8 fps; ask for fewer"):
        work(training(residency, "upl_short"), RunContext(media=media), tmp_path, residency)

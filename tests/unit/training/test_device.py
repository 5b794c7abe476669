"""A recipe's device: what the preset wants or what was asked for, said before any work where there is none."""

import sys
from pathlib import Path

import pytest
import torch

from training import device, judges, transformer, vae
from training.presets import PRESETS
from training.stage import Stage, options

NONE_HERE = pytest.mark.skipif(torch.cuda.is_available(), reason="has a CUDA device")


def parsed(*arguments: str) -> Stage:
    return Stage.of(options("").parse_args(arguments))


def test_the_cpu_preset_computes_on_the_cpu() -> None:
    assert parsed().device == torch.device("cpu")
    assert parsed("--preset", "trial").device == torch.device("cpu")


@NONE_HERE
def test_full_says_what_to_do_where_there_is_no_gpu() -> None:
    with pytest.raises(device.NoDevice, match=r"DEVICE=cpu .*--device cpu"):
        parsed("--preset", "full")


def test_full_runs_on_a_cpu_when_that_is_asked_for() -> None:
    stage = parsed("--preset", "full", "--device", "cpu")
    assert stage.device == torch.device("cpu")
    assert stage.preset is PRESETS["full"]


@NONE_HERE
@pytest.mark.parametrize(("recipe", "more"), [(vae, ("--stage", "image")), (judges, ()), (transformer, ())], ids=str)
def test_nothing_is_fetched_or_made_before_the_device_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: object, more: tuple[str, ...]
) -> None:
    """Fails when a recipe makes its folders first: tried."""
    folders = ("--cache", str(tmp_path / "cache"), "--work", str(tmp_path / "work"))
    monkeypatch.setattr(sys, "argv", ["recipe", "--preset", "full", *folders, *more])
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("something was fetched"))
    with pytest.raises(device.NoDevice):
        recipe.main()
    assert not list(tmp_path.iterdir())


def test_half_precision_is_that_of_the_device() -> None:
    weights = torch.ones(2, 2)
    with device.half_precision(torch.device("cpu")):
        assert (weights @ weights).dtype == torch.bfloat16


def test_clips_lie_on_the_gpu_where_they_leave_room_for_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when all of the memory may be taken: tried."""
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda _: (1000, 1000))
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert device.home_of(100, cuda) == cuda
    assert device.home_of(400, cuda) == cpu
    assert device.home_of(400, cpu) == cpu

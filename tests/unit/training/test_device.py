"""A recipe's device: what the preset wants or what was asked for, said before any work where there is none."""

import sys
from pathlib import Path

import pytest
import torch

from training import device, judges, prepare, transformer, vae
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


@NONE_HERE
def test_the_first_stage_of_a_training_ends_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["prepare", "--preset", "full", "--cache", str(tmp_path), "--work", str(tmp_path)])
    with pytest.raises(SystemExit, match="DEVICE=cpu"):
        prepare.main()
    assert not list(tmp_path.iterdir())


def test_the_cost_of_a_training_is_told_beforehand() -> None:
    """Half an hour to an hour on one GPU, a few hours on two cores. Fails when a stage has no minutes: tried."""
    assert 30 <= sum(prepare.minutes(PRESETS["full"]).values()) <= 60
    assert 2 * 60 <= sum(prepare.minutes(PRESETS["cpu"]).values()) <= 5 * 60
    for name in ("cpu", "trial", "full"):
        assert all(spent > 0 for spent in prepare.minutes(PRESETS[name]).values())
        told = prepare.cost(PRESETS[name])
        assert f"PRESET={name}" in told
        assert "GB" in told
    assert "never run" in prepare.cost(PRESETS["full"])


def test_one_process_trains_on_a_gpu_and_the_others_draw() -> None:
    assert device.shared_out(torch.device("cuda"), 16) == (1, 16)
    assert device.shared_out(torch.device("cpu"), 2) == (2, 0)


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

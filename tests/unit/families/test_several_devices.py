"""A network over several devices: the clip of one, made by two processes; refused where there is one."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tiny_families import mochi, wan
from tests.unit.families.conftest import Tiny
from vidgen.errors import ModelError
from vidgen.families import load_family
from vidgen.families.several_devices import spread
from vidgen_models.registry import Running
from vidgen_models.shelf import Shelf

ROOT = Path(__file__).parents[3]
CPU, TWO = torch.device("cpu"), {"running": Running(devices=2)}
ONE_OF_TWO = """
import sys
from pathlib import Path
import numpy as np, torch
torch.set_num_threads(1)
torch.accelerator.device_count = lambda: 1  # diffusers asks which accelerator is this process's
from vidgen.pipelines import Residency
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.spec import JOB_SPEC
from vidgen_models.registry import ModelRegistry
shelf, spec, out = sys.argv[1:]
spec = JOB_SPEC.validate_json(spec)
residency = Residency(ModelRegistry(Path(shelf)))
model = residency.model(spec.model)
shares = []
model.parts["transformer"].blocks[0].attn1.register_forward_pre_hook(lambda _, given: shares.append(given[0].shape[1]))
with torch.inference_mode():
    frames = np.concatenate(list(pipeline_for(spec.task, model)(spec, RunContext())))
np.savez(out, frames=frames, tokens=shares[0])
torch.distributed.destroy_process_group()
"""


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def test_two_processes_make_the_clip_of_one(tiny_of, tmp_path):
    """Each with half of the tokens. Fails when the networks are not spread, or each makes another clip."""
    tiny: Tiny = tiny_of(wan.CASES[0])
    Shelf(tmp_path / "shelf").put(tiny.manifest.model_copy(update=TWO))
    spec, port = tiny.spec(num_frames=13), str(free_port())
    started = []
    for rank in range(2):
        told = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
        out = tmp_path / f"{rank}.npz"
        started.append(
            subprocess.Popen(
                [sys.executable, "-W", "ignore", "-c", ONE_OF_TWO, tmp_path / "shelf", spec.model_dump_json(), out],
                cwd=ROOT,
                env={**os.environ, **told, "MASTER_PORT": port, "PYTHONPATH": ".:models"},
            )
        )
    assert [process.wait(timeout=240) for process in started] == [0, 0]
    alone = tiny.frames(num_frames=13).astype(int)
    for rank in range(2):
        made = np.load(tmp_path / f"{rank}.npz")
        assert np.abs(made["frames"].astype(int) - alone).max() <= 1
        assert made["tokens"] == 8  # of four latent frames of 2×2 tokens


def test_one_process_is_told_how_to_start_more(tiny_of):
    with pytest.raises(ModelError, match="devices=2: this process is one of 1; start vidgen render with `torchrun"):
        load_family(
            tiny_of(wan.CASES[0]).manifest.model_copy(update={"running": Running(devices=2)}), CPU, torch.float32
        )


def test_networks_that_cannot_be_parted_are_refused_by_name(tiny_of):
    whole = tiny_of(wan.CASES[0]).residency.model("tiny-family").denoisers()
    with pytest.raises(ModelError, match="WanTransformer3DModel has 2 heads, which so many cannot share evenly"):
        spread(4, whole)
    with pytest.raises(ModelError, match="MochiTransformer3DModel cannot be spread over devices; take 1"):
        spread(2, tiny_of(mochi.CASES[0]).residency.model("tiny-family").denoisers())

"""A network out of a GGUF file: its blocks are held as they are, and its clip is nearly that of the whole weights."""

from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from diffusers.quantizers.gguf.utils import GGUFLinear
from gguf.quants import quantize
from safetensors.torch import load_file

from tests.tiny_families import parts, wan
from tests.unit.families.conftest import Tiny, distance
from vidgen.errors import ModelError
from vidgen.families import load_family
from vidgen.families.installation import Wishes
from vidgen.families.memory_plan import network_megabytes
from vidgen.families.single_files import single_file_manifest
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext

WIDE = parts.Case("wan-wide", lambda folder: wan.build(folder, wide=True), "text-to-video", wan.CLIP)


def written(tensors: dict[str, torch.Tensor], file: Path, kind: gguf.GGMLQuantizationType) -> Path:
    """As converters do it: matrices whose rows are whole blocks are packed, all else is in 32 bits."""
    writer = gguf.GGUFWriter(str(file), "wan")
    for name, tensor in tensors.items():
        values = tensor.float().numpy()
        packed = values.ndim == 2 and values.shape[1] % 32 == 0 and "blocks" in name
        data = quantize(values, kind) if packed else values
        writer.add_tensor(name, data, raw_dtype=kind if packed else gguf.GGMLQuantizationType.F32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


@pytest.fixture(scope="module")
def tiny(tiny_of) -> Tiny:
    """With rows of whole blocks."""
    return tiny_of(WIDE)


@pytest.fixture(scope="module")
def weights(tiny) -> dict[str, torch.Tensor]:
    return load_file(tiny.manifest.path / "transformer" / "diffusion_pytorch_model.safetensors")


@pytest.mark.parametrize("kind", ["Q8_0", "Q5_1", "Q4_0"])
def test_a_packed_network_makes_nearly_the_same_clip(kind, tiny, weights, tmp_path):
    """Fails when blocks are unpacked in another order, or once and for all."""
    file = written(weights, tmp_path / f"tiny-{kind}.gguf", gguf.GGMLQuantizationType[kind])
    manifest = single_file_manifest(file, [], Wishes(), base=tiny.manifest)
    assert manifest.single_files[0].components == ("transformer",)
    assert "loras" not in manifest.rules.options
    model = load_family(manifest, torch.device("cpu"), torch.float32)
    layer = model.denoisers()[0].blocks[0].attn1.to_q
    assert isinstance(layer, GGUFLinear)
    assert layer.weight.dtype == torch.uint8
    spec = tiny.spec()
    with torch.inference_mode():
        made = np.concatenate(list(pipeline_for(spec.task, model)(spec, RunContext(media=tiny.media))))
    assert 0 < distance(made, tiny.frames()) < {"Q8_0": 1, "Q5_1": 8, "Q4_0": 12}[kind]


def test_a_plan_counts_what_the_file_holds(tiny, weights, tmp_path, monkeypatch):
    monkeypatch.setattr("vidgen.families.memory_plan.MEGABYTE", 1)
    file = written(weights, tmp_path / "tiny.gguf", gguf.GGMLQuantizationType.Q4_0)
    manifest = single_file_manifest(file, [], Wishes(), base=tiny.manifest)
    held, own = network_megabytes(manifest, "cpu"), network_megabytes(tiny.manifest, "cpu")
    assert held["transformer"] < 0.6 * own["transformer"]
    assert held["vae"] == own["vae"]


def test_what_is_damaged_or_of_another_size_is_refused(tiny, weights, tmp_path):
    """Fails when a file is read before its header was looked at."""
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF\x03\x00\x00\x00" + b"\xff" * 16)
    with pytest.raises(ModelError, match=r"damaged\.gguf: not a GGUF file, or one with a damaged header"):
        single_file_manifest(damaged, [], Wishes(), base=tiny.manifest)
    torn = written(weights, tmp_path / "torn.gguf", gguf.GGMLQuantizationType.Q8_0)
    for kept in (-1, 4096, 200):
        torn.write_bytes(torn.read_bytes()[:kept])
        with pytest.raises(ModelError, match=r"torn\.gguf: .*download it again"):
            single_file_manifest(torn, [], Wishes(), base=tiny.manifest)
    smaller = {name: tensor[:1] for name, tensor in weights.items()}
    file = written(smaller, tmp_path / "smaller.gguf", gguf.GGMLQuantizationType.Q8_0)
    with pytest.raises(ModelError, match="a checkpoint of another size"):
        single_file_manifest(file, [], Wishes(), base=tiny.manifest)

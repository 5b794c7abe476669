"""Promise 19: no code that comes with a model ever runs. Every plant here would touch the canary if it did.

The folder is loaded as the runner does it (`load_family`). Each test fails when `check_folder` is skipped in
vidgen/families: tried; the last test shows that even then nothing is executed.
"""

import json
import os
import pickle
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import vidgen.families
from vidgen.errors import ModelError
from vidgen.families import load_family
from vidgen_models.folder_check import sha256
from vidgen_models.registry import Manifest, ModelRegistry
from vidgen_models.safetensors_header import MAX_HEADER_BYTES

WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"


class Plant:
    """A copy of a good model folder, and the canary that code from it would touch."""

    def __init__(self, folder: Path, manifest: Manifest, canary: Path) -> None:
        self.folder, self.canary = folder, canary
        self.manifest = manifest.model_copy(update={"folder": str(folder)})

    @property
    def python(self) -> str:
        return f"import pathlib; pathlib.Path({str(self.canary)!r}).touch()\n"

    @property
    def pickled(self) -> bytes:
        return pickle.dumps(_Touch(self.canary))

    def add_to_json(self, name: str, **fields: object) -> None:
        file = self.folder / name
        file.write_text(json.dumps(json.loads(file.read_text()) | fields))

    def load(self) -> None:
        load_family(self.manifest, torch.device("cpu"), torch.float32)


class _Touch:
    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return (os.mkdir, (str(self._canary),))


@pytest.fixture
def plant(tiny_folder: Path, tiny_registry: ModelRegistry, tmp_path: Path) -> Plant:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "model"))
    return Plant(folder, tiny_registry.get("tiny"), tmp_path / "canary")


def refused(plant: Plant, match: str) -> None:
    with pytest.raises(ModelError, match=match) as caught:
        plant.load()
    assert caught.value.code == "unsafe_model"
    assert not plant.canary.exists()
    assert str(plant.folder) not in caught.value.message, "a server's path is nobody's business"


def test_the_plants_would_work_and_the_clean_folder_loads(plant: Plant) -> None:
    plant.load()
    subprocess.run([sys.executable, "-c", plant.python], check=True)
    assert plant.canary.exists()
    plant.canary.unlink()
    pickle.loads(plant.pickled)
    assert plant.canary.exists()


@pytest.mark.parametrize(
    "name",
    ["modeling.py", "pipeline.py", "transformer/__init__.py", "tokenizer/tokenization.PY", "vae/native.so", "x.pyc",
     "tokenizer/chat_template.jinja", "transformer/weights.h5", "no_suffix"],
)  # fmt: skip
def test_python_and_everything_not_known_to_be_data_is_refused(plant: Plant, name: str) -> None:
    (plant.folder / name).write_text(plant.python)
    refused(plant, "can run code")


@pytest.mark.parametrize(
    "name",
    ["transformer/diffusion_pytorch_model.bin", "pytorch_model.bin", "vae/x.pkl", "x.PKL", "last.ckpt", "a.pt", "b.pth",
     "text_encoder/c.pickle", "d.npy"],
)  # fmt: skip
def test_pickles_are_refused_beside_good_weights_and_in_their_place(plant: Plant, name: str) -> None:
    (plant.folder / name).write_bytes(plant.pickled)
    refused(plant, "can run code")
    (plant.folder / WEIGHTS).unlink()
    refused(plant, "can run code")


def test_a_pickle_that_calls_itself_safetensors_is_refused(plant: Plant) -> None:
    (plant.folder / WEIGHTS).write_bytes(plant.pickled)
    refused(plant, "damaged header")


@pytest.mark.parametrize("config", ["transformer/config.json", "tokenizer/tokenizer_config.json", "model_index.json"])
@pytest.mark.parametrize("nested", [False, True], ids=["plain", "nested"])
@pytest.mark.parametrize("key", ["auto_map", "custom_pipeline", "trust_remote_code"])
def test_configurations_that_name_code_are_refused(plant: Plant, config: str, key: str, nested: bool) -> None:
    (plant.folder / "evil.txt").write_text(plant.python)
    fields = {key: {"AutoModel": "evil.Model"}}
    plant.add_to_json(config, **({"text_config": fields} if nested else fields))
    refused(plant, "names code to import")


def test_a_key_hidden_behind_its_twin_is_seen(plant: Plant) -> None:
    file = plant.folder / "transformer/config.json"
    file.write_text('{"x": {"auto_map": {"a": "b"}}, "x": 1, ' + file.read_text().lstrip()[1:])
    refused(plant, "names code to import")


def test_an_index_may_name_the_two_libraries_only(plant: Plant) -> None:
    plant.add_to_json("model_index.json", transformer=["evil", "Transformer"])
    refused(plant, "names code to import")


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "\x00"], ids=["deep", "cut off", "binary"])
def test_what_is_no_json_is_refused_before_a_library_reads_it(plant: Plant, text: str) -> None:
    (plant.folder / "transformer/config.json").write_text(text)
    refused(plant, "not JSON")


def test_changed_and_planted_weights_are_refused(plant: Plant) -> None:
    original = (plant.folder / WEIGHTS).read_bytes()
    (plant.folder / WEIGHTS).write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
    refused(plant, "sha256 differs")
    (plant.folder / WEIGHTS).write_bytes(original)
    (plant.folder / "transformer/diffusion_pytorch_model.fp16.safetensors").write_bytes(original)
    refused(plant, "does not name this file")


@pytest.mark.parametrize("what", ["file", "folder", "chain"])
def test_links_out_of_the_folder_are_refused(plant: Plant, tmp_path: Path, what: str) -> None:
    outside = tmp_path / "outside"
    if what == "file":
        shutil.move(plant.folder / WEIGHTS, outside)
        (plant.folder / WEIGHTS).symlink_to(outside)
    elif what == "folder":
        shutil.move(plant.folder / "transformer", outside)
        (plant.folder / "transformer").symlink_to(outside)
    else:
        outside.write_text("{}")
        (plant.folder / "a.json").symlink_to(plant.folder / "b.json")
        (plant.folder / "b.json").symlink_to(Path("..") / "outside")
    refused(plant, "leads out of the model's folder")


def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(plant: Plant) -> None:
    (plant.folder / WEIGHTS).unlink()
    os.mkfifo(plant.folder / WEIGHTS)
    refused(plant, "not a plain file")


@pytest.mark.parametrize("announced", [1 << 40, (1 << 64) - 1, MAX_HEADER_BYTES + 1])
def test_a_header_larger_than_any_model_has_is_refused_unread(plant: Plant, announced: int) -> None:
    file = plant.folder / WEIGHTS
    with file.open("r+b") as stream:
        stream.write(struct.pack("<Q", announced))
        stream.truncate(MAX_HEADER_BYTES + 1024)  # holes, so that the file costs no disk
    refused(plant, "damaged header")


def rewritten(file: Path, change: Callable[[dict[str, dict[str, object]]], object]) -> None:
    """The same tensors below a changed header."""
    content = file.read_bytes()
    end = 8 + struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:end])
    change(header)
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + content[end:])


@pytest.mark.parametrize("kept", [0, 3, 8, 100, -1], ids=["empty", "length", "no header", "header", "last byte"])
def test_weights_whose_download_was_interrupted_are_refused_by_name(plant: Plant, kept: int) -> None:
    """Fails when the tensors' end is not compared with the file's: tried (a library's error came out)."""
    file = plant.folder / WEIGHTS
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(ModelError, match=rf"{WEIGHTS}: cut off, .*download it again"):
        plant.load()


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.update(more={"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}),
        lambda header: next(iter(header.values())).update(dtype="F1"),
        lambda header: next(iter(header.values())).update(shape=[1 << 62, 1 << 62]),
        lambda header: next(iter(header.values())).update(shape=[-1, -1]),
        lambda header: next(iter(header.values())).update(data_offsets="0"),
        lambda header: header.update(__metadata__={"format": ["pt"]}),
        lambda header: header.popitem(),
    ],
    ids=["overlap", "kind", "shape", "negative", "offsets", "metadata", "left over"],
)
def test_a_header_that_does_not_fit_its_tensors_is_refused(plant: Plant, change: Callable[..., object]) -> None:
    file = plant.folder / WEIGHTS
    rewritten(file, lambda header: header.pop("__metadata__", None))
    rewritten(file, change)
    refused(plant, "damaged header")


def test_a_part_of_the_weights_that_never_came_is_named(plant: Plant) -> None:
    index = "transformer/diffusion_pytorch_model.safetensors.index.json"
    (plant.folder / index).write_text(json.dumps({"weight_map": {"a": Path(WEIGHTS).name, "b": "second.safetensors"}}))
    with pytest.raises(ModelError, match=rf"second.safetensors: missing, although {index} names it"):
        plant.load()


def test_hashes_are_those_of_the_files_that_are_read(plant: Plant) -> None:
    names = [path.relative_to(plant.folder).as_posix() for path in plant.folder.rglob("*") if path.is_file()]
    everything = {name: sha256(plant.folder / name) for name in names}
    plant.manifest = plant.manifest.model_copy(update={"files": everything})
    plant.load()
    plant.add_to_json("vae/config.json", scaling_factor=2.0)
    refused(plant, "sha256 differs")


def test_even_a_folder_that_was_let_pass_runs_nothing(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vidgen.families, "check_folder", lambda *_: None)
    (plant.folder / "transformer/diffusion_pytorch_model.bin").write_bytes(plant.pickled)
    (plant.folder / WEIGHTS).unlink()
    for name in ("transformer", "tokenizer", "text_encoder"):
        (plant.folder / name / "evil.py").write_text(plant.python + "class Model: pass\n")
    for config in ("transformer/config.json", "tokenizer/tokenizer_config.json", "text_encoder/config.json"):
        plant.add_to_json(config, auto_map={"AutoModel": "evil.Model", "AutoTokenizer": ["evil.Model", None]})
    with pytest.raises(OSError, match="safetensors"):  # the pickle in place of the weights is not taken
        plant.load()
    assert not plant.canary.exists()

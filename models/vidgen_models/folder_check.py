"""Decides whether a model folder may be read: it can run no code, and is the one that the manifest hashed.

Every file is looked at before any library sees one of them, because `trust_remote_code=False` is not a boundary: it
guards one entry point of one library. What is not known to be plain data is refused. Loads no torch.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from vidgen.errors import ModelError
from vidgen_models.safetensors_header import check_safetensors

DATA_SUFFIXES = frozenset({".json", ".safetensors", ".txt", ".model", ".md"})
DATA_NAMES = frozenset({"LICENSE", "NOTICE", "README", ".gitattributes"})
# loaders import what these name
CODE_KEYS = frozenset({"auto_map", "custom_pipeline", "custom_pipelines", "trust_remote_code"})
LIBRARIES = frozenset({"diffusers", "transformers", None})
INDEX = "model_index.json"
SHARDS = ".safetensors.index.json"
"""How the file ends that says which tensor lies in which of several files."""
GGUF = ".gguf"
LEAST_GGUF_ENTRY = 12
"""Bytes of the shortest thing that a GGUF header can announce: a name's length and a kind."""
MAX_JSON_BYTES = 64 << 20
READ_SIZE = 1 << 20


def check_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Raise ModelError naming the first file that is missing, unsafe, or not the one that `files` (sha256) names.

    Of the kinds that `files` hashes (.safetensors, .json, …) every file must be named there: a planted one is refused.
    """
    if not (folder / INDEX).is_file():
        raise ModelError(f"{folder.name}: no {INDEX}; expected a folder in the diffusers layout")
    check_files(folder, files)


def check_files(folder: Path, files: Mapping[str, str]) -> None:
    """The same of a folder that holds a single network, and needs no index."""
    hashed_kinds = {Path(name).suffix for name in files}
    for file in _files(folder):
        name = file.relative_to(folder).as_posix()
        _check_kind(file, name)
        if files and file.suffix in hashed_kinds and name not in files:
            raise _unsafe(f"{name}: the manifest does not name this file; remove it")
        if file.suffix == ".safetensors":
            check_safetensors(file, name)
        elif file.suffix == ".json":
            _check_json(file, name)
    for name, expected in files.items():
        _check_hash(folder, name, expected)


def check_weights(file: Path, expected: str | None) -> None:
    """Raise ModelError unless `file` is plain safetensors or GGUF, and of sha256 `expected` where that is given."""
    if not file.is_file():
        raise ModelError(f"{file.name}: no such file")
    if file.suffix not in (".safetensors", GGUF):
        raise _unsafe(f"{file.name}: such files can run code; convert the weights to safetensors")
    (check_gguf if file.suffix == GGUF else check_safetensors)(file, file.name)
    if expected is not None:
        _check_hash(file.parent, file.name, expected)


def sha256(file: Path) -> str:
    """Hex digest of a file, read in pieces."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(READ_SIZE):
            digest.update(piece)
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    """Everything below the folder that is not a folder. Raises ModelError for a link that leads out of it."""
    root = folder.resolve()
    for parent, folders, files in os.walk(folder):
        for name in sorted((*folders, *files)):
            path = Path(parent) / name
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                place = path.relative_to(folder).as_posix()
                raise _unsafe(f"{place}: a link that leads out of the model's folder; put a copy there instead")
        yield from (Path(parent) / name for name in sorted(files))


def _check_kind(file: Path, name: str) -> None:
    if file.suffix not in DATA_SUFFIXES and file.name not in DATA_NAMES:
        raise _unsafe(f"{name}: such files can run code or are not known to be harmless; use safetensors")
    if not stat.S_ISREG(file.stat().st_mode):
        raise _unsafe(f"{name}: not a plain file")


def _check_json(file: Path, name: str) -> None:
    if file.stat().st_size > MAX_JSON_BYTES:
        raise _unsafe(f"{name}: larger than any configuration ({MAX_JSON_BYTES >> 20} MB)")
    named: set[str] = set()

    def remember(pairs: list[tuple[str, object]]) -> dict[str, object]:
        # every key of every level, also one that a later twin hides from a reader
        named.update(key for key, _ in pairs)
        return dict(pairs)

    try:
        content = json.loads(file.read_bytes(), object_pairs_hook=remember)
    except (ValueError, RecursionError) as error:
        raise _unsafe(f"{name}: not JSON") from error
    # a tokenizer's keys are its vocabulary, where any word may stand; nothing there is imported
    if CODE_KEYS & (set(content) if file.name == "tokenizer.json" and isinstance(content, dict) else named):
        raise _unsafe(f"{name}: names code to import (auto_map, custom_pipeline)")
    if name == INDEX:
        _check_index(content)
    if name.endswith(SHARDS):
        _check_shards(file, name, content)


def _check_index(content: object) -> None:
    """Components are `[library, class]`; a library of another name would be imported from the folder."""
    values = content.values() if isinstance(content, dict) else ()
    for value in values:
        library = value[0] if isinstance(value, list) and len(value) == 2 else None
        if isinstance(library, str) and library not in LIBRARIES:
            raise _unsafe(f"{INDEX}: names code to import ({library})")


def _check_shards(file: Path, name: str, content: object) -> None:
    """Every file that holds a part of the weights is there: one of several may be missing after a download."""
    parts = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(parts, dict):
        raise ModelError(f"{name}: says of no tensor where it lies; download it again")
    for part in sorted({str(part) for part in parts.values()}):
        if not (file.parent / part).is_file():
            raise ModelError(
                f"{part}: missing, although {name} names it; its download was interrupted, download it again"
            )


def check_gguf(file: Path, name: str) -> None:
    """Raises ModelError unless it is GGUF: a magic word, a version, the numbers of tensors and of facts, and these."""
    with file.open("rb") as stream:
        magic, _, *counts = (stream.read(size) for size in (4, 4, 8, 8))
    announced = sum(int.from_bytes(count, "little") for count in counts)
    if magic != b"GGUF" or announced * LEAST_GGUF_ENTRY > file.stat().st_size:
        raise _unsafe(f"{name}: not a GGUF file, or one with a damaged header; download it again")


def _check_hash(folder: Path, name: str, expected: str) -> None:
    file = folder / name
    if not file.is_file():
        raise ModelError(f"{name}: missing from {folder.name}; install the model again")
    if sha256(file) != expected:
        raise _unsafe(f"{name}: not the file the manifest names (sha256 differs)")


def _unsafe(message: str) -> ModelError:
    return ModelError(message, code="unsafe_model")

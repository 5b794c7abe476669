"""The wheel holds every package and every file that is not Python: a stray line in .gitignore would drop them."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = {
    "models/vidgen_models": ("manifests", "weights"),
    "vidgen/jobs": ("migrations",),
    "web/vidgen_web": ("templates", "static"),
}


@pytest.fixture(scope="module")
def names(tmp_path_factory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return set(wheel.namelist())


def test_the_four_packages_and_nothing_else_at_the_top(names):
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "vidgen",
        "vidgen_models",
        "vidgen_web",
        "vidgen_workers",
    }


def test_every_data_file_is_inside(names):
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    wanted = [
        file
        for package, folders in DATA.items()
        for folder in folders
        for file in tracked
        if file.startswith(f"{package}/{folder}/")
    ]
    inside = {file.removeprefix("models/").removeprefix("web/") for file in wanted}
    weights = {name for name in inside if name.endswith(".safetensors")}
    networks = {"between-1", "enlarge-x2-1", "enlarge-x4-1", "sprites-64-fast"}
    assert {name.split("/")[-2] for name in weights} == {"text_encoder", "transformer", "vae"} | networks
    assert inside <= names

"""Every installed model: its manifest, its folder by the loading rules, its hashes."""

from collections.abc import Iterator

from vidgen.doctor.finding import Finding, ok, problem, warning
from vidgen.errors import ModelError
from vidgen.jobs.settings import Settings
from vidgen_models.folder_check import check_folder, check_weights
from vidgen_models.registry import Manifest, ModelRegistry


def check_models(settings: Settings) -> Iterator[Finding]:
    for folder in settings.model_folders:
        if not folder.is_dir():
            yield problem("models", f"{folder} is no folder", "correct VIDGEN_MODEL_FOLDERS")
        elif not any(folder.glob("*.toml")):
            yield warning("models", f"{folder} holds no manifest (*.toml)", "correct VIDGEN_MODEL_FOLDERS")
    try:
        manifests = ModelRegistry(*settings.manifest_folders).manifests
    except ModelError as error:
        yield problem("models", error.message, "correct the manifest, or take it out of the folder")
        return
    for manifest in manifests.values():
        yield _check(manifest)


def _check(manifest: Manifest) -> Finding:
    try:
        check_folder(manifest.path, manifest.files)
        for single in manifest.single_files:
            check_weights(single.path, single.sha256)
    except ModelError as error:
        return problem(manifest.id, error.message, "install the model again from its source")
    if not manifest.files:
        return warning(manifest.id, "its manifest hashes no file", "add their sha256 under [files]")
    return ok(manifest.id, f"{len(manifest.hashes)} files as hashed")

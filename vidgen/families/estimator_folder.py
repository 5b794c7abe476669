"""A local folder of a network that sees depth or poses to its manifest: safe, complete, of a known class, hashed."""

from pathlib import Path

from vidgen.errors import ModelError
from vidgen.families.installation import checked_id, hashes_of, licence_of, nearest_id, revision_of
from vidgen_models.estimators import CONFIG, NETWORKS, PREPROCESSOR, WEIGHTS, EstimatorManifest, network_named
from vidgen_models.folder_check import check_files


def estimator_in(path: Path, estimator_id: str | None = None, licence: str | None = None) -> EstimatorManifest:
    """Inspect a folder as transformers saves it. Raises ModelError naming what is unsafe, missing or unknown."""
    path = path.resolve()
    check_files(path, {})
    for name in (CONFIG, PREPROCESSOR, WEIGHTS):
        if not (path / name).is_file():
            raise ModelError(f"{name}: missing from {path.name}; pickles and weights in several files are not read")
    network = network_named(path)
    files = hashes_of(path)
    return EstimatorManifest(
        id=checked_id(estimator_id or nearest_id(path.name)),
        kind=NETWORKS[network],
        network=network,
        revision=revision_of(files),
        licence=licence or licence_of(path),
        folder=str(path),
        files=files,
    )

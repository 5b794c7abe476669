"""A LoRA that a job has trained, put where jobs find it by name, before the job is told to have succeeded."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from vidgen.jobs.views import FinishedFile
from vidgen.spec.train_lora import TrainLora
from vidgen_models.loras import FOLDER, TRAINED, LoraManifest
from vidgen_models.shelf import Shelf


def install(spec: TrainLora, files: Sequence[FinishedFile], published: Path, added_models: Path, tenant: str) -> None:
    """`published` is the job's file; what was learned from a tenant's clips is that tenant's alone.

    One of that name that was there before is replaced.
    """
    found = next(file for file in files if file.kind == "lora")
    folder = added_models / FOLDER / TRAINED
    folder.mkdir(parents=True, exist_ok=True)
    half, place = folder / f"{spec.name}.half", folder / f"{spec.name}.safetensors"
    shutil.copyfile(published, half)
    half.replace(place)
    made = LoraManifest(
        id=spec.name, models=(spec.model,), file=str(place), sha256=found.sha256, licence="yours", tenant=tenant
    )
    Shelf(added_models).put_lora(made)

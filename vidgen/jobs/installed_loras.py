"""LoRAs and embeddings taken out of use: by whoever may, and not while a job that has not ended names them."""

from pathlib import Path

from sqlalchemy import Engine

from vidgen.errors import ModelError
from vidgen.jobs.awaited import is_lora_awaited
from vidgen.jobs.database.session import CREATE_LOCK, lock, writing
from vidgen.jobs.tenants.audit import append
from vidgen_models.loras import FOLDER, TRAINED, LoraManifest
from vidgen_models.shelf import Shelf


def remove_unawaited(engine: Engine, added_models: Path, lora: LoraManifest, *, tenant: str, actor: str) -> bool:
    """Take it out of use, unless a job that has not ended names it; returns whether it went.

    Weights that a job has trained are deleted with it; files that were added by their paths stay where they are.
    Raises ModelError (unknown_model) when its manifest does not lie in `added_models`.
    """
    with writing(engine) as session:
        # whoever queues a job that names it is seen here
        lock(session, CREATE_LOCK)
        if is_lora_awaited(session, lora.id):
            return False
        append(session, tenant=tenant, actor=actor, action="lora.removed", subject=lora.id, detail={})
        if not Shelf(added_models).forget_lora(lora.id):
            raise ModelError(
                f"lora={lora.id}: lies in a folder of VIDGEN_MODEL_FOLDERS; take it out there", code="unknown_model"
            )
    if lora.path.parent == added_models / FOLDER / TRAINED:
        lora.path.unlink(missing_ok=True)
    return True

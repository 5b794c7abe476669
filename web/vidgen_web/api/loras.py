"""/loras: small weights that jobs may name, those trained on one's own clips among them."""

from typing import Literal

from flask import Blueprint, Response, jsonify
from pydantic import Field

from vidgen.jobs.installed_loras import remove_unawaited
from vidgen.jobs.tenants.tenancy import LOCAL
from vidgen.spec.base import SpecModel
from vidgen_models.loras import LoraManifest
from vidgen_web.caller import caller
from vidgen_web.operations import operation
from vidgen_web.problems import ProblemError
from vidgen_web.services import services

blueprint = Blueprint("loras", __name__, url_prefix="/loras")


class LoraAnswer(SpecModel):
    """A LoRA or an embedding that is installed."""

    id: str
    kind: Literal["lora", "embedding"]
    models: tuple[str, ...] = Field(description="Ids of the models it was made for.")
    licence: str
    sha256: str
    shared: bool = Field(
        description="For everybody, as the operator added it; else it was trained, and is yours alone."
    )


class LoraList(SpecModel):
    items: tuple[LoraAnswer, ...]


@blueprint.get("")
@operation(
    "Models",
    "List the LoRAs and embeddings that jobs may name",
    scope="jobs:read",
    answers={200: LoraList},
    problems=("model_unavailable",),
)
def index() -> Response:
    found = tuple(map(lora_answer, services().models.loras.values()))
    return jsonify(LoraList(items=found).model_dump(mode="json"))


@blueprint.delete("/<lora_id>")
@operation(
    "Models",
    "Take a LoRA or an embedding out of use",
    description="Weights that were trained here are deleted, too. Refused while a job that has not ended names it. "
    "What is for everybody is taken out by the operator alone.",
    scope="jobs:write",
    answers={204: None},
    problems=("not_found", "lora_awaited", "not_operator", "unknown_model", "model_unavailable"),
)
def delete(lora_id: str) -> Response:
    lora = services().models.loras.get(lora_id)
    if lora is None:
        raise ProblemError("not_found", f"there is no LoRA {lora_id}")
    who = caller()
    if lora.tenant is None and who.tenant != LOCAL:
        raise ProblemError("not_operator", f"{lora_id} is for everybody; only the operator takes it out")
    folder = services().settings.added_models
    if not remove_unawaited(services().engine, folder, lora, tenant=who.tenant, actor=who.actor):
        message = f"{lora_id}: a job that has not ended names it; cancel the job, or wait for its end"
        raise ProblemError("lora_awaited", message)
    return Response(status=204)


def lora_answer(lora: LoraManifest) -> LoraAnswer:
    """As callers are told of it: where its file lies is nobody's business."""
    return LoraAnswer(
        id=lora.id,
        kind=lora.kind,
        models=lora.models,
        licence=lora.licence,
        sha256=lora.sha256,
        shared=lora.tenant is None,
    )

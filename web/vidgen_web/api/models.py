"""/models: what is installed and what it takes."""

from flask import Blueprint, Response, jsonify

from vidgen.errors import ModelError
from vidgen_web.access import ANY_KEY
from vidgen_web.answers import ModelAnswer, ModelList, model_answer
from vidgen_web.operations import operation
from vidgen_web.problems import ProblemError
from vidgen_web.services import services

blueprint = Blueprint("models", __name__, url_prefix="/models")


@blueprint.get("")
@operation("Models", "List installed models", scope=ANY_KEY, answers={200: ModelList}, problems=("model_unavailable",))
def index() -> Response:
    models = services().models.manifests.values()
    return jsonify(items=[model_answer(manifest).model_dump(mode="json") for manifest in models])


@blueprint.get("/<model_id>")
@operation(
    "Models",
    "Read a model's rules and words",
    scope=ANY_KEY,
    answers={200: ModelAnswer},
    problems=("not_found", "model_unavailable"),
)
def show(model_id: str) -> Response:
    try:
        manifest = services().models.get(model_id)
    except ModelError as error:
        if error.code != "unknown_model":
            raise
        raise ProblemError("not_found", error.message) from error
    return jsonify(model_answer(manifest).model_dump(mode="json"))

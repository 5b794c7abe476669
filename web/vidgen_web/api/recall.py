"""/recall: the settings that made a file, read out of the file itself."""

from flask import Blueprint, Response, jsonify
from pydantic import Field

from vidgen.spec import JobSpec, Recipe
from vidgen.spec.base import SpecModel
from vidgen_web import intake
from vidgen_web.api import schemas
from vidgen_web.api.uploads import only_file
from vidgen_web.operations import operation
from vidgen_web.services import services

blueprint = Blueprint("recall", __name__, url_prefix="/recall")


class Recalled(SpecModel):
    """What a file says of how it was made."""

    spec: JobSpec = Field(
        description="A body for POST /jobs: what made the clip, and the steps it went through since, in one."
    )
    recipe: Recipe = Field(description="As it lies in the file.")


@blueprint.post("")
@operation(
    "Recall",
    "Read the settings that made a file",
    description="Takes any file that vidgen delivered, also one picture out of a PNG sequence. `spec` of the answer "
    "is a body for POST /jobs. Nothing of the file is kept.",
    form=schemas.UPLOAD_FORM,
    scope="uploads",
    answers={200: Recalled},
    problems=(
        "unsupported_content_type",
        "body_too_large",
        "invalid_request",
        "invalid_media",
        "no_recipe",
        "storage_full",
        "too_many_uploads",
    ),
)
def create() -> Response:
    recipe = intake.recipe_of(services(), only_file())
    return jsonify(Recalled(spec=recipe.whole(), recipe=recipe).model_dump(mode="json"))

"""/prompts: a prompt as a model is likely to follow it best."""

from typing import Literal

from flask import Blueprint, Response, jsonify
from pydantic import Field

from vidgen.spec import SamplingFields
from vidgen.spec.base import SpecModel
from vidgen.spec.long import PROMPT_LIMIT
from vidgen_web import submission
from vidgen_web.calls_outside import enhanced
from vidgen_web.operations import operation
from vidgen_web.requests import json_model
from vidgen_web.services import services

blueprint = Blueprint("prompts", __name__, url_prefix="/prompts")

MODEL = SamplingFields.model_fields["model"]


class EnhanceRequest(SpecModel):
    """A prompt and the model that it is for."""

    prompt: str = Field(min_length=1, max_length=PROMPT_LIMIT)
    model: str = Field(default=MODEL.default, max_length=64, description=MODEL.description)


class EnhancedPrompt(SpecModel):
    """What to put into a job in place of the prompt that was sent."""

    prompt: str
    by: Literal["rules", "endpoint"]
    changes: tuple[str, ...] = Field(description="What was changed, in words.")
    warning: str | None = Field(
        description="Words that stay and that the model was never shown; why rules were used although the operator "
        "configured an endpoint."
    )


@blueprint.post("/enhance")
@operation(
    "Prompts",
    "Make a prompt fuller and clearer",
    description="By rules that know the model's words, or by the language model that the operator configured. Queues "
    "nothing.",
    body=EnhanceRequest,
    scope="jobs:read",
    answers={200: EnhancedPrompt},
    problems=(
        "invalid_json",
        "body_too_large",
        "unsupported_content_type",
        "invalid_request",
        "unknown_model",
        "model_unavailable",
        "too_many_calls",
    ),
)
def enhance() -> Response:
    asked = json_model(EnhanceRequest)
    made = enhanced(services(), asked.prompt, submission.manifest_of(services(), asked.model))
    answer = EnhancedPrompt(prompt=made.prompt, by=made.by, changes=made.changes, warning=made.warning)
    return jsonify(answer.model_dump(mode="json"))

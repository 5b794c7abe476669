"""/quota: what the caller's tenant may use, and does."""

from flask import Blueprint, Response, jsonify

from vidgen.jobs.views import Quota
from vidgen_web.access import ANY_KEY
from vidgen_web.caller import caller
from vidgen_web.operations import operation
from vidgen_web.services import services

blueprint = Blueprint("quota", __name__, url_prefix="/quota")


@blueprint.get("")
@operation("API keys", "Read the tenant's limits and what is used of them", scope=ANY_KEY, answers={200: Quota})
def show() -> Response:
    return jsonify(services().quotas.of(caller().tenant).model_dump(mode="json"))

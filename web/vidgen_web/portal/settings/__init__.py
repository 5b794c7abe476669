"""/settings: the model to begin with, uploads, training, keys, webhooks, quota. Every button is a form post."""

from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response

from vidgen_web.access import ANY_KEY, needs
from vidgen_web.portal import csrf
from vidgen_web.portal.settings import deliveries, keys, model, training, uploads, usage, webhooks

blueprint = Blueprint("settings", __name__, url_prefix="/settings")


@blueprint.before_request
def check_form() -> None:
    csrf.check_form()


@blueprint.get("")
@needs(ANY_KEY)
def index() -> Response:
    return redirect(url_for(".usage"), 303)


for page in (usage, model, uploads, training, keys, webhooks, deliveries):
    page.register(blueprint)

__all__ = ["blueprint"]

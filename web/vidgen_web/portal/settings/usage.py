"""/settings/usage: what the tenant may use and does, and the machine time that its clips took."""

from flask import Blueprint, render_template

from vidgen.jobs.tenants.spending import spent
from vidgen_web.access import ANY_KEY, needs
from vidgen_web.caller import caller
from vidgen_web.services import services

DAYS = 30


def register(blueprint: Blueprint) -> None:
    blueprint.get("/usage", endpoint="usage")(show)


@needs(ANY_KEY)
def show() -> str:
    found, tenant = services(), caller().tenant
    days = spent(found.engine, tenant, DAYS)
    return render_template("settings/usage.html", quota=found.quotas.of(tenant), days=days, shown_days=DAYS)

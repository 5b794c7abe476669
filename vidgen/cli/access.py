"""`vidgen keys`, `vidgen quotas` and `vidgen audit`: what the operator of this machine does about all tenants."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click

from vidgen.cli.errors import errors_as_text

ACTOR = "command line"
PAGE = 100
ROW = "{:12}  {:12} {:24} {:16} {:20} {}"


@click.group()
def keys() -> None:
    """Make, list and revoke API keys, of any tenant."""


@keys.command("create")
@click.option("--name", default="", help="What the key is for.")
@click.option("--tenant", default="local", show_default=True, help="Whose jobs and files the key opens.")
@click.option("--scope", "scopes", multiple=True, help="Repeatable; left out: admin, which is everything.")
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help="Expires after so many days.")
@errors_as_text
def create(name: str, tenant: str, scopes: tuple[str, ...], days: float | None) -> None:
    """Make a key and print it, this once: only its sha256 is kept."""
    from vidgen.jobs.tenants.keys import ADMIN, check_tenant

    with control_plane() as plane:
        bound = plane.keys.of(check_tenant(tenant), ACTOR)
        made = bound.create(name, scopes or (ADMIN,), expires_in_days=days)
    click.echo(made.key)


@keys.command("list")
@click.option("--tenant", help="Of this tenant only.")
@errors_as_text
def list_keys(tenant: str | None) -> None:
    """Every key with its tenant, scopes and fate; never the key itself."""
    with control_plane() as plane:
        found = plane.keys if tenant is None else plane.keys.of(tenant)
        click.echo(ROW.format("ID", "TENANT", "SCOPES", "USE", "END", "NAME"))
        cursor = None
        while True:
            page = found.list(limit=PAGE, cursor=cursor)
            for key in page.items:
                fate = "revoked" if key.revoked_at else f"expires {_day(key.expires_at)}" if key.expires_at else ""
                used = f"used {_day(key.last_used_at)}" if key.last_used_at else "never used"
                scopes = ",".join(key.scopes)
                click.echo(ROW.format(key.id, key.tenant, scopes, used, fate, key.name).rstrip())
            if (cursor := page.next_cursor) is None:
                return


@keys.command("revoke")
@click.argument("key_id")
@errors_as_text
def revoke(key_id: str) -> None:
    """Close a key for good, named by its id (the part after vg_) or by its whole text."""
    with control_plane() as plane:
        known = plane.keys.get(_id_of(key_id))
        bound = plane.keys if known is None else plane.keys.of(known.tenant, ACTOR)
        click.echo(f"{bound.revoke(_id_of(key_id)).id} is revoked")


@click.group()
def quotas() -> None:
    """Show and set what a tenant may use."""


@quotas.command("show")
@click.argument("tenant")
@errors_as_text
def show_quota(tenant: str) -> None:
    """Every limit and how much of it is used."""
    with control_plane() as plane:
        for name, share in plane.quotas.of(tenant):
            limit = "no limit" if share.limit is None else f"of {share.limit}"
            click.echo(f"{name:14} {share.used} {limit}")


@quotas.command("set")
@click.argument("tenant")
@click.option("--queued", "max_queued", type=click.IntRange(min=0), help="Waiting jobs.")
@click.option("--running", "max_running", type=click.IntRange(min=0), help="Running jobs.")
@click.option("--per-day", "max_jobs_per_day", type=click.IntRange(min=0), help="Jobs in a UTC day.")
@click.option("--storage-mb", "max_storage_mb", type=click.IntRange(min=0), help="Artifacts and uploads.")
@errors_as_text
def set_quota(tenant: str, **limits: int | None) -> None:
    """Make an exception for TENANT. What is left out follows the settings (VIDGEN_TENANT_…) again."""
    from vidgen.jobs.tenants.keys import check_tenant
    from vidgen.jobs.tenants.quotas import Limits

    with control_plane() as plane:
        plane.quotas.set(check_tenant(tenant), Limits(**limits), actor=ACTOR)


@click.group()
def audit() -> None:
    """Read and verify the log of who did what."""


@audit.command("list")
@click.option("--after", default=0, help="Entries with a higher number.")
@click.option("--limit", default=100, show_default=True)
@errors_as_text
def list_entries(after: int, limit: int) -> None:
    """Entries, oldest first."""
    with control_plane() as plane:
        for entry in plane.audit.entries(after, limit):
            detail = " ".join(f"{name}={value}" for name, value in entry.detail.items())
            when = entry.created_at.isoformat(timespec="seconds")
            click.echo(
                f"{entry.n} {when} {entry.tenant} {entry.actor}: {entry.action} {entry.subject} {detail}".rstrip()
            )


@audit.command("verify")
@click.option("--head", help="NUMBER:HASH, as an earlier run printed it; finds out whether the end was cut off.")
@errors_as_text
def verify(head: str | None) -> None:
    """Walk the chain and print its head. Exit code 1 and the first wrong entry, if somebody changed it."""
    with control_plane() as plane:
        verdict = plane.audit.verify(_head(head))
    if verdict.broken_at is not None:
        raise click.ClickException(
            f"the log was changed: entry {verdict.broken_at} does not follow from the ones before"
        )
    click.echo(f"{verdict.entries} entries, all in order; head {verdict.entries}:{verdict.head}")


@contextmanager
def control_plane() -> Iterator[Any]:
    """The control plane of this machine's settings, migrated; closed at the end of the block."""
    from vidgen.jobs.database.session import migrate
    from vidgen.jobs.service import open_control_plane
    from vidgen.jobs.settings import load_settings

    settings = load_settings()
    migrate(settings)
    plane = open_control_plane(settings)
    try:
        yield plane
    finally:
        plane.engine.dispose()


def _id_of(text: str) -> str:
    return text.split("_")[1] if text.startswith("vg_") and text.count("_") >= 2 else text


def _head(text: str | None) -> tuple[int, str] | None:
    if text is None:
        return None
    number, _, sha256 = text.partition(":")
    if not number.isdecimal() or len(sha256) != 64:
        raise click.UsageError("--head: give NUMBER:HASH as `vidgen audit verify` prints it")
    return int(number), sha256


def _day(moment: datetime) -> str:
    return moment.date().isoformat()

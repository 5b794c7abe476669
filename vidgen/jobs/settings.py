"""Everything an operator can set. The only reader of the environment: each field is VIDGEN_<NAME>."""

import os
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from vidgen.errors import VidgenError
from vidgen.jobs.files.secret_files import check_webhook_secret, read_or_create, web_secret, webhook_secret
from vidgen.telemetry.logs import LogFormat

# where Docker and Podman mount secrets; a file is named like the variable that it stands for
SECRETS_DIR = Path("/run/secrets")

LEASE_SECONDS = 60.0
# what the service makes for itself has 64; fewer than these could be guessed
SECRET_KEY_CHARACTERS = 32

# of two names, 0 to 1: what differs in a letter or two of the part after VIDGEN_
ALIKE = 0.8

Listing = Annotated[tuple[str, ...], NoDecode]
Folders = Annotated[tuple[Path, ...], NoDecode]


class Settings(BaseSettings):
    """Frozen; secrets are never part of its repr. Lists are comma-separated in the environment."""

    model_config = SettingsConfigDict(env_prefix="VIDGEN_", frozen=True, extra="ignore", populate_by_name=True)

    data_dir: Path = Field(default=Path("~/.local/share/vidgen"), description="Database, artifacts, uploads, secrets.")
    database_url: str | None = Field(
        default=None, repr=False, description="Default: SQLite in data_dir; or postgresql+psycopg://…"
    )
    broker_url: str = Field(
        default="memory://", repr=False, description="memory://, redis://… or amqp://…; it only wakes workers."
    )
    host: str = "127.0.0.1"
    auth: Literal["local", "keys"] = Field(
        default="local", description="local: this machine's user needs no key; keys: every caller needs one."
    )
    port: int = Field(default=8765, ge=0, le=65535)
    public_url: str | None = Field(default=None, description="How clients reach the service; prefix of artifact URLs.")
    model_folders: Folders = Field(default=(), description="Further folders of model manifests.")
    lease_seconds: float = Field(
        default=LEASE_SECONDS, gt=0, description="A job whose worker is silent this long is requeued."
    )
    heartbeat_seconds: float = Field(
        default_factory=lambda given: given.get("lease_seconds", LEASE_SECONDS) / 3,
        gt=0,
        description="How often a worker renews its lease, at most half of it; default: a third of it.",
    )
    poll_seconds: float = Field(
        default=1, gt=0, description="How often an idle worker looks for jobs, a busy one for cancels."
    )
    cancel_grace_seconds: float = Field(default=8, gt=0, description="From a cancel to SIGKILL; half of it to SIGTERM.")
    silence_seconds: float = Field(
        default=1800, gt=0, description="A render that says nothing for so long is ended; it counts as an attempt."
    )
    max_attempts: int = Field(default=3, ge=1)
    max_queued: int = Field(default=1000, ge=1)
    tenant_max_queued: int | None = Field(default=None, ge=0, description="Waiting jobs of one tenant.")
    tenant_max_running: int | None = Field(default=None, ge=1, description="Running jobs of one tenant.")
    tenant_max_jobs_per_day: int | None = Field(default=None, ge=0, description="Jobs a tenant may queue in a UTC day.")
    tenant_max_storage_mb: int | None = Field(default=None, ge=0, description="Artifacts and uploads of one tenant.")
    rate_limit: int = Field(default=1200, ge=0, description="Requests a minute with the keys of one tenant; 0: any.")
    max_upload_mb: int = Field(default=200, ge=1)
    webhook_allow_private: Listing = Field(
        default=(), description="CIDRs or host names that webhooks may reach although private."
    )
    fetch_allow_private: Listing = Field(
        default=(), description="CIDRs or host names from which pictures may be fetched although private."
    )
    worker_memory_mb: int | None = Field(
        default=None, ge=1, description="For one job on the device; default: found out."
    )
    unclaimed_seconds: float = Field(default=60, gt=0, description="A due job not taken for so long has a problem.")
    disk_budget_gb: float | None = Field(default=None, gt=0, description="The oldest finished jobs go beyond it.")
    retention_days: float = Field(default=30, gt=0, description="Finished jobs and their files are removed after this.")
    chunk_days: float | None = Field(
        default=None, gt=0, description="How long a finished clip's chunks are kept; default: as long as the clip."
    )
    min_free_mb: int = Field(default=200, ge=0, description="With less free disk, /readyz says that it is not ready.")
    log_format: LogFormat = Field(default="auto", description="json, text, or auto: text at a terminal, else json.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_prompts: bool = Field(default=False, description="Whether log lines may hold prompts.")
    enhancer_url: str | None = Field(
        default=None,
        repr=False,
        description="OpenAI-compatible endpoint (…/v1) that prompts are sent to; default: none.",
    )
    enhancer_model: str = Field(default="default", description="The model that is asked for there.")
    enhancer_key: SecretStr | None = Field(default=None, description="Its API key.")
    enhancer_seconds: float = Field(default=15, gt=0, le=120, description="After this, rules are used instead.")
    secret_key_value: SecretStr | None = Field(default=None, alias="VIDGEN_SECRET_KEY")
    webhook_secret_value: SecretStr | None = Field(default=None, alias="VIDGEN_WEBHOOK_SECRET")

    @field_validator("model_folders", "webhook_allow_private", "fetch_allow_private", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("heartbeat_seconds")
    @classmethod
    def _renews_in_time(cls, value: float, info: ValidationInfo) -> float:
        lease = info.data.get("lease_seconds")
        if lease is not None and value > lease / 2:
            raise ValueError(f"must be at most half of VIDGEN_LEASE_SECONDS, which is {lease:g}: {lease / 2:g} or less")
        return value

    @field_validator("secret_key_value", "webhook_secret_value", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("secret_key_value")
    @classmethod
    def _not_guessed(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SECRET_KEY_CHARACTERS:
            raise ValueError(f"must have at least {SECRET_KEY_CHARACTERS} characters; left out, one is made and kept")
        return value

    @field_validator("webhook_secret_value")
    @classmethod
    def _signs(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_webhook_secret(value.get_secret_value())
        return value

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @cached_property
    def incoming_dir(self) -> Path:
        """Where files lie while they are uploaded and re-encoded; what a crash leaves there is swept."""
        return self.data_dir / "incoming"

    @cached_property
    def added_models(self) -> Path:
        """Manifests of the models that were added with `vidgen models add`."""
        return self.data_dir / "models"

    @cached_property
    def manifest_folders(self) -> tuple[Path, ...]:
        """Every folder of manifests beside the shipped ones."""
        return (self.added_models, *self.model_folders)

    @cached_property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'vidgen.db'}"

    @cached_property
    def secret_key(self) -> str:
        """Signs artifact URLs and the portal's forms. From VIDGEN_SECRET_KEY, else kept in data_dir/secret_key."""
        if self.secret_key_value is not None:
            return self.secret_key_value.get_secret_value()
        return read_or_create(self.data_dir / "secret_key", web_secret)

    @cached_property
    def webhook_secret(self) -> str:
        """`whsec_…`: signs per-job callbacks, and every endpoint's own secret is derived from it."""
        if self.webhook_secret_value is not None:
            return self.webhook_secret_value.get_secret_value()
        secret = read_or_create(self.data_dir / "webhook_secret", webhook_secret)
        try:
            check_webhook_secret(secret)
        except ValueError as error:
            raise VidgenError(f"{self.data_dir / 'webhook_secret'}: {error}", code="invalid_setting") from None
        return secret

    @cached_property
    def base_url(self) -> str:
        """Where links in webhook bodies point, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def load_settings() -> Settings:
    """The settings of this process, from its environment. Raises VidgenError invalid_setting naming the variables."""
    try:
        # an absent folder would be warned of
        files: dict[str, Any] = {"_secrets_dir": SECRETS_DIR} if SECRETS_DIR.is_dir() else {}
        return Settings(**files)
    except ValidationError as error:
        # pydantic's own text quotes the values, and some of them are secrets
        wrong = "; ".join(f"{_variable(str(item['loc'][0]))}: {item['msg']}" for item in error.errors())
        raise VidgenError(wrong, code="invalid_setting") from None


def unknown_variables() -> dict[str, str | None]:
    """Variables of the environment that look like settings and are none, each with the setting that is spelled most
    like it: typing errors, mostly."""
    known = [_variable(name) for name in Settings.model_fields]
    unknown = sorted(name for name in os.environ if name.startswith("VIDGEN_") and name not in known)
    return {name: next(iter(get_close_matches(name, known, 1, ALIKE)), None) for name in unknown}


def _variable(field: str) -> str:
    """The environment's name of a field, which pydantic reports by its name or its alias."""
    alias = Settings.model_fields[field].alias if field in Settings.model_fields else field
    return alias or f"VIDGEN_{field.upper()}"

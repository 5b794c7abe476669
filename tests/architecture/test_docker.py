"""The images and compose files, as far as they can be judged without a container engine."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from ruamel.yaml import YAML

from vidgen.doctor.packages import ENGINE
from vidgen.jobs.settings import Settings

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
IMAGES = sorted(DOCKER.glob("*.Dockerfile"))
COMPOSE = sorted(DOCKER.glob("compose*.yaml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
VARIABLES = {field.alias or f"VIDGEN_{name.upper()}" for name, field in Settings.model_fields.items()}


def instructions(file: Path) -> list[tuple[str, str]]:
    """(instruction, arguments) in order, with continued lines joined and comments left out."""
    lines = [line for line in file.read_text().splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def load(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(file.read_text())
    return content


def ours(file: Path) -> dict[str, Any]:
    """The services of a compose file that run our images."""
    return {name: service for name, service in load(file)["services"].items() if "build" in service}


def test_there_are_images_and_compose_files():
    assert [file.name for file in IMAGES] == ["web.Dockerfile", "worker.Dockerfile"]
    assert [file.name for file in COMPOSE] == ["compose.cuda.yaml", "compose.laptop.yaml", "compose.yaml"]


@pytest.mark.parametrize("image", IMAGES, ids=lambda file: file.name)
def test_images_run_as_a_numbered_user_with_a_health_check_and_carry_no_secret(image: Path):
    found = instructions(image)
    words = [word for word, _ in found]
    assert set(words) <= {
        "FROM",
        "WORKDIR",
        "COPY",
        "RUN",
        "ARG",
        "USER",
        "ENV",
        "VOLUME",
        "EXPOSE",
        "HEALTHCHECK",
        "CMD",
    }
    assert [rest for word, rest in found if word == "USER"] == ["10001"]
    after = words[words.index("USER") :]
    assert "RUN" not in after
    assert "COPY" not in after
    assert words.count("HEALTHCHECK") == words.count("CMD") == 1
    for word, rest in found:
        if word == "CMD":
            assert json.loads(rest)[0] == "vidgen", "the exec form, so that signals arrive"
        if word == "FROM":
            assert re.fullmatch(r"python:3\.\d+-slim( AS wheel)?", rest)
        if word == "COPY" and not rest.startswith("--from"):
            assert all((ROOT / name).exists() for name in rest.split()[:-1])
        if word in ("ENV", "ARG"):
            assert not re.search(r"SECRET|PASSWORD|TOKEN|_URL", rest)
            named = set(re.findall(r"\b(VIDGEN_[A-Z_]+)=", rest))
            assert named <= VARIABLES
        if word == "RUN" and "pip" in rest:
            assert "--no-cache-dir" in rest


@pytest.mark.parametrize("file", COMPOSE, ids=lambda file: file.name)
def test_compose_files_are_valid_by_the_compose_specification(file: Path):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", [DOCKER / "compose.yaml", DOCKER / "compose.laptop.yaml"], ids=lambda file: file.name)
def test_our_services_can_write_nothing_but_their_data_and_gain_no_rights(file: Path):
    content, services = load(file), ours(file)
    assert services
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["init"], "a runner's child that outlives it is reaped"
        assert (DOCKER / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        assert {volume.partition(":")[0] for volume in service["volumes"]} <= content["volumes"].keys()
        assert set(service["environment"]) | set(service.get("secrets", ())) <= VARIABLES
    for service in content["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        assert set(service.get("secrets", ())) <= content.get("secrets", {}).keys()


@pytest.mark.parametrize("file", [DOCKER / "compose.yaml", DOCKER / "compose.laptop.yaml"], ids=lambda file: file.name)
def test_links_lead_to_the_published_port(file: Path):
    """Fails when VIDGEN_PUBLIC_URL is left out: tried; links led to http://0.0.0.0:8765."""
    published = {
        f"http://{port.rpartition(':')[0]}" for it in load(file)["services"].values() for port in it.get("ports", ())
    }
    for service in ours(file).values():
        _, _, preset = service["environment"]["VIDGEN_PUBLIC_URL"].strip("${}").partition(":-")
        assert preset in published


def test_the_database_and_the_broker_are_reached_from_inside_only():
    content = load(DOCKER / "compose.yaml")
    assert content["networks"]["inside"]["internal"]
    assert content["services"]["postgres"]["networks"] == content["services"]["broker"]["networks"] == ["inside"]
    assert content["services"]["worker"]["deploy"]["replicas"] > 1


def test_the_secrets_that_compose_mounts_are_those_that_the_script_makes_once(tmp_path: Path):
    for _ in range(2):
        subprocess.run([DOCKER / "make-secrets", tmp_path], check=True, capture_output=True)
        made = {file.name: file.read_text() for file in tmp_path.iterdir()}
    mounted = {secret["file"].removeprefix("secrets/") for secret in load(DOCKER / "compose.yaml")["secrets"].values()}
    assert mounted <= made.keys()
    assert len(made["postgres_password"]) == 48
    assert made["postgres_password"] != made["broker_password"]
    assert made["postgres_password"] in made["database_url"]
    assert made["broker_password"] in made["broker_url"]
    subprocess.run([DOCKER / "make-secrets", tmp_path], check=True, capture_output=True)
    assert made == {file.name: file.read_text() for file in tmp_path.iterdir()}


def test_the_web_image_adds_what_the_extras_of_the_worker_image_add():
    """Fails when the web image cannot send traces though the operator asks for them."""
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = {*extras["postgres"], *extras["redis"], *extras["telemetry"]}
    assert set(PROJECT["dependency-groups"]["web-image"]) == wanted
    installs = " ".join(rest for word, rest in instructions(DOCKER / "web.Dockerfile") if word == "RUN")
    assert "--group /tmp/web/pyproject.toml:web-image" in installs


def test_what_the_web_process_needs_is_everything_but_the_engine():
    whole = {Requirement(line).name: line for line in PROJECT["project"]["dependencies"]}
    web = {Requirement(line).name: line for line in PROJECT["dependency-groups"]["web"]}
    assert web == {name: line for name, line in whole.items() if name not in ENGINE}
    assert whole.keys() >= ENGINE

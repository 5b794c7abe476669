"""/loras: what is listed, and what is taken out of use with its weights."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from vidgen.jobs.service import ControlPlane
from vidgen_models.loras import LoraManifest
from vidgen_models.shelf import Shelf

LORAS, JOBS, MODEL = "/api/v1/loras", "/api/v1/jobs", "/api/v1/models/sprites-64"
USE = {"prompt": "a cat", "advanced": {"loras": [{"id": "mine"}]}}


@pytest.fixture
def weights(plane: ControlPlane) -> Path:
    """Those of a LoRA that a job has trained."""
    return installed(plane, "mine", "local")


def installed(plane: ControlPlane, name: str, tenant: str | None) -> Path:
    folder = plane.settings.added_models
    file = folder / "loras" / "trained" / f"{name}.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"weights")
    made = LoraManifest(id=name, models=("sprites-64",), file=str(file), sha256="0" * 64, tenant=tenant)
    Shelf(folder).put_lora(made)
    return file


def test_a_trained_lora_is_listed_and_goes_with_its_weights(client: FlaskClient, weights: Path) -> None:
    """Fails when the manifest goes and the weights stay: tried."""
    (told,) = client.get(LORAS).get_json()["items"]
    assert (told["id"], told["kind"], told["models"], told["shared"]) == ("mine", "lora", ["sprites-64"], False)
    assert "file" not in told
    assert client.delete(f"{LORAS}/mine").status_code == 204
    assert not weights.exists()
    assert client.get(LORAS).get_json()["items"] == []
    assert client.get(MODEL).get_json()["rules"]["loras"] == []
    assert client.post(JOBS, json=USE).get_json()["code"] == "invalid_spec"
    assert client.delete(f"{LORAS}/mine").get_json()["code"] == "not_found"


def test_a_lora_stays_while_a_job_that_names_it_has_not_ended(
    client: FlaskClient, worker: SimulatedWorker, weights: Path
) -> None:
    """Fails when jobs are not asked: tried."""
    assert client.post(JOBS, json=USE).status_code == 202
    refused = client.delete(f"{LORAS}/mine")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "lora_awaited")
    assert weights.exists()
    worker.succeed(worker.claim())
    assert client.delete(f"{LORAS}/mine").status_code == 204


def test_what_lies_elsewhere_stays_where_it_is(client: FlaskClient, plane: ControlPlane, tmp_path: Path) -> None:
    """The file of a LoRA that was added by its path is the user's own. Fails when it is deleted: tried."""
    installed(plane, "film", None)
    own = tmp_path / "film.safetensors"
    own.write_bytes(b"weights")
    made = LoraManifest(id="film", models=("sprites-64",), file=str(own), sha256="0" * 64)
    Shelf(plane.settings.added_models).put_lora(made)
    assert client.get(LORAS).get_json()["items"][0]["shared"]
    assert client.delete(f"{LORAS}/film").status_code == 204
    assert own.exists()

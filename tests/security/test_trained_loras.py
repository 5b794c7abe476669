"""Promise 16 for weights: what was learned from one tenant's clips is not there for another."""

import io
from pathlib import Path

from tests.security.conftest import Person
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.views import FinishedFile
from vidgen.spec.train_lora import TrainingClip, TrainLora
from vidgen_workers.installing import install

JOBS, UPLOADS, MODEL = "/api/v1/jobs", "/api/v1/uploads", "/api/v1/models/sprites-64"
MP4 = b"\0\0\0\x18ftypmp42 clip"


def train(person: Person, name: str) -> dict[str, object]:
    clip = person("POST", UPLOADS, data={"file": (io.BytesIO(MP4), "a.mp4")}).get_json()["id"]
    asked = {"task": "train-lora", "name": name, "prompt": "a cat", "clips": [{"video": {"upload_id": clip}}]}
    answer: dict[str, object] = person("POST", JOBS, json={**asked, "num_frames": 9}).get_json()
    return answer


def finish(plane: ControlPlane, tmp_path: Path, name: str, tenant: str) -> None:
    """As a worker does when the training of a LoRA of this name has ended."""
    weights = tmp_path / "weights"
    weights.write_bytes(tenant.encode())
    clip = TrainingClip.model_validate({"video": {"upload_id": "upl_x"}})
    file = FinishedFile(
        kind="lora", key="x", filename="x", content_type="application/octet-stream", size=1, sha256="0" * 64
    )
    install(TrainLora(name=name, clips=(clip,)), [file], weights, plane.settings.added_models, tenant)


def test_a_tenants_lora_is_that_tenants_alone(anna: Person, bert: Person, plane: ControlPlane, tmp_path: Path) -> None:
    """Fails when the LoRA's manifest does not say whose it is, or the registry is not seen by the tenant: tried."""
    name = train(anna, "mine")["spec"]["name"]  # type: ignore[index]
    assert name == "anna.mine"
    finish(plane, tmp_path, name, "anna")
    use = {"prompt": "a cat", "advanced": {"loras": [{"id": name}]}}
    assert anna("GET", MODEL).get_json()["rules"]["loras"] == [name]
    assert anna("POST", JOBS, json=use).status_code == 202
    assert bert("GET", MODEL).get_json()["rules"]["loras"] == []
    refused = bert("POST", JOBS, json=use)
    assert (refused.status_code, name in refused.get_json()["detail"]) == (422, True)
    assert "there are none" in refused.get_json()["detail"]
    assert bert("DELETE", f"/api/v1/loras/{name}").get_json()["code"] == "not_found"
    assert [it["id"] for it in anna("GET", "/api/v1/loras").get_json()["items"]] == [name]


def test_a_name_of_one_tenant_is_free_for_another(
    anna: Person, bert: Person, plane: ControlPlane, tmp_path: Path
) -> None:
    """Fails when names have no tenant in them, and the second's weights take the place of the first's: tried."""
    finish(plane, tmp_path, "anna.mine", "anna")
    assert train(bert, "mine")["spec"]["name"] == "bert.mine"  # type: ignore[index]
    again = train(anna, "mine")
    assert (again["code"], "choose another name" in str(again["detail"])) == ("invalid_spec", True)
    finish(plane, tmp_path, "bert.mine", "bert")
    trained = plane.settings.added_models / "loras" / "trained"
    assert (trained / "anna.mine.safetensors").read_text() == "anna"
    assert (trained / "bert.mine.safetensors").read_text() == "bert"


def test_a_name_that_begins_as_another_tenants_is_refused_once_it_is_taken(
    bert: Person, plane: ControlPlane, tmp_path: Path
) -> None:
    """Fails when only the names that a tenant sees are taken: tried."""
    finish(plane, tmp_path, "bert.anna.mine", "anna")
    assert train(bert, "anna.mine")["code"] == "invalid_spec"

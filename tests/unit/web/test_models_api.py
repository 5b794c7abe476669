"""/models follows the shelf: what `vidgen models add` writes is there with the next request."""

from vidgen_models.registry import ModelRegistry
from vidgen_models.shelf import Shelf


def test_a_model_added_while_the_service_runs_is_listed_and_takes_jobs(client, settings):
    """Fails when the registry keeps what it read first: tried."""
    assert client.get("/api/v1/models/mine").status_code == 404
    added = ModelRegistry().get("sprites-64").model_copy(update={"id": "mine", "memory": ()})
    Shelf(settings.added_models).put(added)
    assert "mine" in [model["id"] for model in client.get("/api/v1/models").json["items"]]
    assert client.post("/api/v1/jobs", json={"prompt": "a cat", "model": "mine"}).status_code == 202
    Shelf(settings.added_models).remove("mine")
    assert client.get("/api/v1/models/mine").status_code == 404
    assert client.post("/api/v1/jobs", json={"prompt": "a cat", "model": "mine"}).status_code == 422

"""Promise 22: the API equals its OpenAPI document. schemathesis calls every operation with generated requests.

Bounded and derandomized: the same requests in every run, EXAMPLES for each operation. A longer search:
`VIDGEN_TEST_EXAMPLES=200 pytest tests/security/test_openapi_conformance.py`.
Fails when an answer is not as described: tried by taking `not_found` off the promise of GET /jobs/{id}, by adding a
field to the answer of GET /quota, and by letting GET /uploads/{id} fail with a 500.
"""

import gc
import io
import os
import sys
import traceback
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.jobs_fixtures import control_plane, make_settings
from tests.recipes import RECALL
from tests.security.conftest import FAKE_INGEST
from tests.simulated_worker import SimulatedWorker
from vidgen_web import create_app
from vidgen_web.services import EXTENSION

EXAMPLES = int(os.environ.get("VIDGEN_TEST_EXAMPLES", "6"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]
API = "/api/v1"
# they do not end by themselves (tests/unit/web/test_events_api.py)
STREAMS = r"/events$"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A service at home that holds one of everything."""
    folder = tmp_path_factory.mktemp("conformance")
    with control_plane(folder) as plane:
        app = create_app(
            make_settings(folder, max_upload_mb=1, rate_limit=0),
            ingest_command=(sys.executable, str(FAKE_INGEST)),
            recall_command=RECALL,
        )
        client = app.test_client()
        for _ in range(3):
            client.post(f"{API}/jobs", json={"prompt": "x"})
        SimulatedWorker(plane).run()
        client.post(f"{API}/uploads", data={"file": (io.BytesIO(b"\x89PNG"), "x.png")})
        endpoint = client.post(f"{API}/webhook-endpoints", json={"url": "https://example.org/"}).get_json()["id"]
        client.post(f"{API}/webhook-endpoints/{endpoint}/test")
        client.post(f"{API}/api-keys", json={"scopes": ["jobs:read"]})
        yield app
        app.extensions[EXTENSION].engine.dispose()


@pytest.fixture(scope="module")
def key(served: Flask) -> str:
    """An administrator's: schemathesis calls as a stranger would."""
    return str(served.test_client().post(f"{API}/api-keys", json={"scopes": ["admin"]}).get_json()["key"])


@pytest.fixture(scope="module")
def schema(served: Flask) -> Any:
    found = schemathesis.openapi.from_wsgi(f"{API}/openapi.json", served)
    known = ids(served)

    @found.hook
    def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:  # noqa: ARG001
        # generated ids name nothing; every second one becomes one that names something
        if path_parameters is None:
            return None
        return {
            name: known[name][0] if name in known and len(str(value)) % 2 else value
            for name, value in path_parameters.items()
        }

    return found.exclude(path_regex=STREAMS)


def ids(app: Flask) -> dict[str, list[str]]:
    client = app.test_client()

    def listed(path: str, key: str = "items") -> list[Any]:
        return list(client.get(path).get_json()[key])

    jobs = listed(f"{API}/jobs")
    done = [job for job in jobs if job["artifacts"]]
    return {
        "job_id": [job["id"] for job in done],
        "video_id": [job["id"] for job in done],
        "artifact_id": [done[0]["artifacts"][0]["id"]],
        "endpoint_id": [endpoint["id"] for endpoint in listed(f"{API}/webhook-endpoints")],
        "delivery_id": [delivery["id"] for delivery in listed(f"{API}/webhook-deliveries")],
        "key_id": [key["id"] for key in listed(f"{API}/api-keys")],
        "model_id": [model["id"] for model in listed(f"{API}/models")],
    }


# schemathesis reads files that are sent, and leaves the closing to the collector
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["valid", "invalid"])
def test_every_operation_does_what_it_says(schema: Any, key: str, mode: GenerationMode) -> None:
    wrong: dict[str, str] = {}
    statuses: Counter[int] = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()
        try:
            _search(operation, mode, key, statuses)
        except Unsatisfiable:
            continue  # there is no invalid request where nothing is asked
        except (FailureGroup, Exception) as error:
            wrong[operation.label] = "".join(traceback.format_exception_only(error))[:2000]
    assert wrong == {}, "\n\n".join(f"{label}: {text}" for label, text in wrong.items())
    # the search means something only if it gets past the door and finds things
    if mode is GenerationMode.POSITIVE:
        assert statuses[200] > 20, statuses
        assert statuses[401] == 0, statuses
    else:
        assert statuses[422] > 20, statuses
    gc.collect()


def _search(operation: Any, mode: GenerationMode, key: str, statuses: Counter[int]) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    def call(case: Any) -> None:
        answer = case.call(headers={"Authorization": f"Bearer {key}"})
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    call()

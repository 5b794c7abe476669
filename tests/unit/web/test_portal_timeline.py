"""The chunks of a long clip below the player."""

import re

from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from tests.unit.web.test_variations_api import commit
from vidgen.jobs.service import ControlPlane
from vidgen.spec import LongFields, TextToVideo


def test_every_chunk_has_a_picture(client: FlaskClient, worker: SimulatedWorker, plane: ControlPlane) -> None:
    """Also one whose colours were matched anew, a record of its own without one. Fails when it shows none: tried."""
    spec = TextToVideo(prompt="a fox", width=64, height=64, num_frames=33, fps=8, seed=3, long=LongFields())
    plane.jobs.create(spec, model_revision="1", max_queued=9)
    claim = worker.claim()
    for n in range(2):
        commit(plane, claim, n)
    commit(plane, claim, 2001, chunk=1, attempt="colour match")
    worker.succeed(claim)
    page = client.get(f"/?job={claim.job_id}").get_data(as_text=True)
    section = page[page.index('id="timeline"') :]
    assert re.findall(r'<img src="[^"]*/chunks/(\d+)/preview"', section) == ["0", "1"]

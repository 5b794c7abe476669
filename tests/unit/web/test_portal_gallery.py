"""The gallery without scripts: stars, projects, search, pages."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from tests.simulated_worker import SimulatedWorker
from tests.unit.web.portal_forms import send
from vidgen.jobs.database.session import writing
from vidgen.jobs.database.tables import JobRow
from vidgen.jobs.service import ControlPlane

PROMPTS = ("a cat spins", "a dog spins", "100% of a_cat")


@pytest.fixture
def clips(client: FlaskClient, worker: SimulatedWorker) -> list[str]:
    """A finished clip of each prompt, and of a story that begins with a fox."""
    made = []
    for prompt in PROMPTS:
        send(client, prompt=prompt)
        made.append(worker.run())
    send(client, task="storyboard", **{"segments.0.prompt": "a fox", "segments.0.seconds": "2"})
    return [*made, worker.run()]


def shown(client: FlaskClient, query: str) -> list[str]:
    return re.findall(r'<li class="card[^"]*" id="card-([\w-]+)', client.get(f"/?{query}").get_data(as_text=True))


def test_prompts_are_searched(client: FlaskClient, clips: list[str]) -> None:
    """Fails when % and _ are left to mean anything: tried."""
    cat, dog, odd, fox = clips
    assert shown(client, "") == [fox, odd, dog, cat]
    assert shown(client, "q=SPINS+dog") == [dog]
    assert shown(client, "q=%25") == [odd]
    assert shown(client, "q=a_c") == [odd]
    assert shown(client, "q=fox") == [fox]
    assert shown(client, "kind=image-to-video") == []
    assert "No clip is like that" in client.get("/?q=zebra").get_data(as_text=True)


def test_stars_and_projects(client: FlaskClient, clips: list[str]) -> None:
    cat, dog, *_ = clips
    assert send(client, f"/gallery/{cat}/star", starred="1") == (303, f"/?job={cat}")
    send(client, f"/gallery/{cat}/project", project="  My   film ")
    send(client, f"/gallery/{dog}/project", project="Other")
    assert shown(client, "starred=1") == [cat]
    assert shown(client, "project=My+film") == [cat]
    page = client.get("/").get_data(as_text=True)
    assert '<option value="My film" >My film (1)</option>' in page
    send(client, f"/gallery/{cat}/star", starred="0")
    send(client, f"/gallery/{cat}/project", project="")
    assert shown(client, "starred=1") == []
    assert "My film" not in client.get("/").get_data(as_text=True)
    assert send(client, f"/gallery/{dog}/project", project="x" * 61)[0] == 422
    assert send(client, "/gallery/job_none/star", starred="1")[0] == 404


def test_new_clips_go_into_the_project_that_is_looked_at(client: FlaskClient, worker: SimulatedWorker) -> None:
    send(client, prompt="a cat", project="Film", count="2")
    made = {worker.run(), worker.run()}
    assert set(shown(client, "project=Film")) == made
    assert re.search(r'id="project"[^>]*value="Film"', client.get("/?project=Film").get_data(as_text=True))


def test_pages_meet_every_clip_once(client: FlaskClient, worker: SimulatedWorker, plane: ControlPlane) -> None:
    """The filter goes along. Fails when "Load more" forgets it: tried."""
    send(client, prompt="the seventh cat")
    first = worker.run()
    with writing(plane.engine) as session:
        row = session.get(JobRow, first)
        assert row
        copied = {name: getattr(row, name) for name in JobRow.model_fields}
        rows = [{**copied, "id": f"job_{n}", "created_at": row.created_at + n // 3} for n in range(70)]
        dogs = [{**it, "id": f"{it['id']}d", "spec": {**row.spec, "prompt": "a dog"}} for it in rows]
        session.execute(insert(JobRow), rows + dogs)
    found: list[str] = []
    query = "q=seventh"
    for _ in range(3):
        page = client.get(f"/?{query}").get_data(as_text=True)
        found += re.findall(r'id="card-([\w-]+)', page)
        following = re.search(r'id="load-more" href="/\?([^#"]+)', page)
        query = following[1].replace("&amp;", "&") if following else ""
    assert query == ""
    assert len(found) == len(set(found)) == 71

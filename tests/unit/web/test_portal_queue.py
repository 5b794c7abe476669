"""What a person may do to waiting and running clips, as forms without scripts."""

import re

from flask.testing import FlaskClient

from tests.simulated_worker import SimulatedWorker
from tests.unit.web.portal_forms import send
from vidgen.jobs.service import ControlPlane
from vidgen.spec import JobStatus


def queued(client: FlaskClient, *prompts: str) -> list[str]:
    return [send(client, prompt=prompt)[1].rsplit("/", 1)[1] for prompt in prompts]


def line(plane: ControlPlane) -> list[str]:
    """Prompts of the waiting jobs, the next to run first."""
    jobs = sorted(plane.jobs.list(status=JobStatus.QUEUED).items, key=lambda job: job.queue_position or 0)
    return [job.spec.prompt for job in jobs]


def test_clips_change_places(client: FlaskClient, plane: ControlPlane) -> None:
    """Fails when "Move down" sends the row itself instead of the one below it: tried."""
    a, b, c = queued(client, "a", "b", "c")
    assert send(client, f"/jobs/{c}/move", **{"from": "home"}) == (303, "/")
    assert line(plane) == ["c", "a", "b"]
    page = client.get("/").get_data(as_text=True)
    rows = re.findall(r'<li class="row.*?</li>', page, re.S)
    assert [re.search(r'title="(\w)"', row)[1] for row in rows] == ["c", "a", "b"]  # type: ignore[index]
    (down,) = re.findall(
        r'<form method="post" action="(/jobs/[\w-]+/move)"((?:(?!</form>).)*id="below-' + a + '")', rows[1], re.S
    )
    send(client, down[0], before=re.findall(r'name="before" value="([\w-]+)"', down[1])[-1])
    assert line(plane) == ["c", "b", "a"]
    send(client, f"/jobs/{a}/move", before=b)
    assert line(plane) == ["c", "a", "b"]


def test_priority_and_add_to_front(client: FlaskClient, plane: ControlPlane) -> None:
    (a, _) = queued(client, "a", "b")
    assert send(client, f"/jobs/{a}/priority", priority="2")[0] == 303
    assert line(plane) == ["b", "a"]
    assert send(client, f"/jobs/{a}/priority", priority="12")[0] == 422
    send(client, prompt="c", front="1")
    assert line(plane) == ["c", "b", "a"]


def test_a_waiting_clip_is_edited_in_the_composer(
    client: FlaskClient, plane: ControlPlane, worker: SimulatedWorker
) -> None:
    (a,) = queued(client, "a cat")
    page = client.get(f"/?edit={a}").get_data(as_text=True)
    assert f'action="/jobs/{a}/edit"' in page
    assert ">a cat</textarea>" in page
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version
    form = {"task": "text-to-video", "prompt": "a dog", "num_frames": "9", "seed": "4", "version": version[1]}
    assert send(client, f"/jobs/{a}/edit", **form) == (303, f"/jobs/{a}")
    changed = plane.jobs.get(a)
    assert changed
    assert (changed.spec.prompt, changed.spec.num_frames, changed.spec.seed) == ("a dog", 9, 4)
    status, page = send(client, f"/jobs/{a}/edit", **{**form, "version": "1", "prompt": "a fox"})
    assert status == 412
    assert ">a fox</textarea>" in page
    assert f'action="/jobs/{a}/edit"' in page
    worker.claim()
    assert send(client, f"/jobs/{a}/edit", **form)[0] == 409


def test_an_edit_may_turn_a_picture_clip_into_a_text_clip(
    client: FlaskClient, plane: ControlPlane, worker: SimulatedWorker
) -> None:
    """Fails when fields that the new task does not have are kept: tried."""
    queued(client, "a cat")
    clip = plane.jobs.get(worker.run())
    assert clip
    form = {"task": "image-to-video", "image.artifact_id": clip.artifacts[0].id, "image.frame": "-1"}
    job_id = send(client, **form)[1].rsplit("/", 1)[1]
    send(client, f"/jobs/{job_id}/edit", task="text-to-video", prompt="a dog")
    changed = plane.jobs.get(job_id)
    assert changed
    assert changed.task == changed.spec.task == "text-to-video"


def test_a_long_clip_is_stopped_and_kept(client: FlaskClient, plane: ControlPlane, worker: SimulatedWorker) -> None:
    send(client, prompt="a cat", seconds="10")
    claim = worker.claim()
    page = client.get("/").get_data(as_text=True)
    assert f"/jobs/{claim.job_id}/stop" in page
    assert send(client, f"/jobs/{claim.job_id}/stop", **{"from": "home"}) == (303, "/")
    assert plane.jobs.wishes(claim).stop
    assert "Stopping after this chunk" in client.get("/").get_data(as_text=True)


def test_the_queue_is_paused_and_resumed(client: FlaskClient, plane: ControlPlane) -> None:
    assert send(client, "/queue/pause")[0] == 303
    assert plane.switch.state().paused
    page = client.get("/").get_data(as_text=True)
    assert "The queue is paused" in page
    assert "/queue/resume" in page
    send(client, "/queue/resume")
    assert not plane.switch.state().paused


def test_several_clips_at_once_have_seeds_of_their_own(client: FlaskClient, plane: ControlPlane) -> None:
    send(client, prompt="a cat", count="3", seed="7")
    assert sorted(job.spec.seed or 0 for job in plane.jobs.list().items) == [7, 8, 9]


def test_a_story_is_sent_part_by_part(client: FlaskClient, plane: ControlPlane) -> None:
    """Without scripts "Add a part" gives the form back with one more row, and empty rows are left out."""
    form = {"task": "storyboard", "segments.0.prompt": "a cat moves left", "segments.0.seconds": "2", "num_frames": "9"}
    status, page = send(client, "/composer", **form, add_part="1")
    assert status == 200
    assert 'name="segments.1.prompt"' in page
    assert plane.jobs.list().items == ()
    more = {"segments.1.prompt": "a rocket moves up", "segments.1.seconds": "1.5", "segments.1.cut": "1"}
    assert send(client, **form, **more, **{"segments.2.prompt": "", "segments.2.seconds": ""})[0] == 303
    (job,) = plane.jobs.list().items
    assert [(part.prompt, part.frames, part.cut) for part in job.spec.segments] == [
        ("a cat moves left", 17, False),
        ("a rocket moves up", 13, True),
    ]
    reused = client.get(f"/?reuse={job.id}").get_data(as_text=True)
    assert re.search(r'value="storyboard" checked', reused)
    assert 'value="a rocket moves up"' in reused


def test_only_some_settings_are_reused(client: FlaskClient, worker: SimulatedWorker) -> None:
    send(client, prompt="a cat", seed="77", num_inference_steps="5")
    job_id = worker.run()

    def shown(what: str) -> tuple[bool, bool, bool]:
        page = client.get(f"/?reuse={job_id}&only={what}").get_data(as_text=True)
        steps = re.search(r'id="num_inference_steps"[^>]*value="5"', page)
        return ">a cat</textarea>" in page, re.search(r'id="seed"[^>]*value="77"', page) is not None, steps is not None

    assert shown("all") == (True, True, True)
    assert shown("but-seed") == (True, False, True)
    assert shown("seed") == (False, True, False)
    assert shown("prompt") == (True, False, False)

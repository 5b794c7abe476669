"""The portal's pages and forms, without a browser."""

import io
import re

import pytest
from flask.testing import FlaskClient

from tests.recipes import recipe_picture
from tests.simulated_worker import SimulatedWorker
from tests.unit.web.portal_forms import send
from vidgen.errors import VidgenError
from vidgen.jobs.service import ControlPlane
from vidgen.jobs.tenants.quotas import Limits
from vidgen.jobs.tenants.tenancy import LOCAL
from vidgen_web import submission
from vidgen_web.portal import words

PROMPT = "a cat moves left"
LONG_PARTS = {"segments.0.seconds": "100", "segments.1.seconds": "100", "segments.1.prompt": "y"}


def test_the_composer_queues_a_job_and_shows_its_page(client: FlaskClient, plane: ControlPlane) -> None:
    form = {"task": "text-to-video", "prompt": PROMPT, "num_frames": "9", "seed": "5", "strength": "0.4"}
    status, where = send(client, **form)
    assert status == 303
    page = client.get(where).get_data(as_text=True)
    assert PROMPT in page
    assert 'http-equiv="refresh"' in page
    (job,) = plane.jobs.list().items
    assert (job.spec.num_frames, job.spec.seed) == (9, 5)


def test_only_the_chosen_modes_media_are_sent(client: FlaskClient, plane: ControlPlane) -> None:
    form = {"task": "image-to-video", "prompt": PROMPT, "image": (io.BytesIO(b"\x89PNG"), "a.png")}
    left_over = {"video.artifact_id": "art_left_over", "image.artifact_id": "art_replaced", "image.frame": "-1"}
    status, _ = send(client, **form, **left_over)
    assert status == 303
    spec = plane.jobs.list().items[0].spec.model_dump()
    assert spec["image"]["upload_id"]
    assert "video" not in spec


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"task": "text-to-video", "num_frames": "20"}, "Length: the nearest that works is 17 or 21"),
        ({"task": "image-to-video"}, "First picture: choose one first"),
        ({"task": "text-to-music"}, "task"),
        ({"task": "text-to-video", "prompt": "  "}, "Prompt: say what the clip should show"),
        ({"task": "storyboard", "segments.0.prompt": "x", **LONG_PARTS}, "Parts: "),
        ({"task": "image-to-video", "image": (io.BytesIO(b"BAD"), "a.png")}, "this is no picture"),
        ({"task": "video-to-video", "video.artifact_id": "art_gone"}, "there is no such upload or artifact"),
    ],
)
def test_a_refused_form_keeps_what_was_typed(client: FlaskClient, form: dict[str, object], message: str) -> None:
    status, page = send(client, negative_prompt="typed <b>text</b>", **{"prompt": "a cat", **form})
    assert status == 422
    assert message in page
    assert "typed &lt;b&gt;text&lt;/b&gt;" in page


def test_the_buttons_do_what_they_say(client: FlaskClient, worker: SimulatedWorker, plane: ControlPlane) -> None:
    _, where = send(client, prompt=PROMPT)
    assert send(client, f"{where}/cancel") == (303, where)
    assert "Cancelled" in client.get(where).get_data(as_text=True)
    assert send(client, f"{where}/retry") == (303, where)
    assert send(client, f"{where}/cancel", **{"from": "home"}) == (303, "/")
    assert send(client, f"{where}/retry") == (303, where)
    worker.run()
    assert send(client, f"{where}/retry")[0] == 409
    assert send(client, f"{where}/delete") == (303, "/")
    missing = client.get(where, headers={"Accept": "text/html"})
    assert missing.status_code == 404
    assert "there is no job" in missing.get_data(as_text=True)
    assert plane.jobs.list().items == ()


def test_a_finished_clip_offers_its_next_steps(client: FlaskClient, worker: SimulatedWorker) -> None:
    send(client, prompt=PROMPT, seed="77", negative_prompt="dogs")
    job_id = worker.run()
    page = client.get(f"/?job={job_id}").get_data(as_text=True)
    links = dict(re.findall(r'href="([^"]+)" data-(?:swap|recall)="\w+" id="([^"]+)"', page))
    by_id = {name: link.replace("&amp;", "&") for link, name in links.items()}
    image = client.get(by_id["use-last-frame"]).get_data(as_text=True)
    assert re.search(r'value="image-to-video" checked', image)
    assert re.search(r'name="image.frame" value="-1"', image)
    assert "Last frame of" in image
    video = client.get(by_id["restyle"]).get_data(as_text=True)
    assert re.search(r'value="video-to-video" checked', video)
    assert re.search(r'name="video.artifact_id" value="art_', video)
    reused = client.get(by_id["reuse"]).get_data(as_text=True)
    assert 'value="77"' in reused
    assert ">dogs</textarea>" in reused


def test_running_and_failed_jobs_are_shown(client: FlaskClient, worker: SimulatedWorker) -> None:
    send(client, prompt=PROMPT)
    claim = worker.claim()
    worker.step(claim, 3, 20)
    page = client.get(f"/?job={claim.job_id}").get_data(as_text=True)
    assert "Step 3 of 20" in page
    assert f"/api/v1/jobs/{claim.job_id}/preview?version=1" in page
    worker.plane.jobs.fail(claim, "out_of_memory", "does not fit", False)
    page = client.get("/").get_data(as_text=True)
    assert "does not fit" in page


def test_an_empty_portal_teaches(client: FlaskClient) -> None:
    page = client.get("/").get_data(as_text=True)
    assert "What shall move?" in page
    assert "Nothing is waiting" in page
    example = re.search(r'class="chip" href="([^"]+)"', page)
    assert example
    assert "background</textarea>" in client.get(example[1]).get_data(as_text=True)


@pytest.mark.parametrize(
    "query",
    ["job=nothing", "reuse=nothing", "mode=nothing", "mode=image&source=nothing&frame=x", "model=nothing", "frame=-"],
)
def test_odd_links_show_the_studio(client: FlaskClient, query: str) -> None:
    assert client.get(f"/?{query}").status_code == 200


def test_pages_hold_no_inline_script_or_style(client: FlaskClient, worker: SimulatedWorker) -> None:
    send(client, prompt=PROMPT)
    worker.run()
    for path in ("/", "/docs", f"/jobs/{worker.plane.jobs.list().items[0].id}"):
        page = client.get(path).get_data(as_text=True)
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0.2, "under a second"), (59.4, "59 s"), (75, "1 min 15 s"), (1200, "20 min"), (7260, "2 h 1 min")],
)
def test_durations_are_readable(seconds: float | None, text: str) -> None:
    assert words.duration(seconds) == text


def test_sizes_are_readable() -> None:
    assert [words.size(n) for n in (12, 34_000, 5_600_000, 7_800_000_000)] == ["12 bytes", "34 kB", "6 MB", "7.8 GB"]


def test_words_that_a_model_was_not_taught_are_told(client: FlaskClient) -> None:
    status, page = send(client, "/forecast", prompt="a cat rides a zeppelin")
    assert status == 200
    assert "This model was not taught: rides, zeppelin" in page


def test_a_camera_beyond_its_model_is_told(client: FlaskClient, plane: ControlPlane) -> None:
    """Before it is sent and of the clip. Fails when only unknown words are told: tried."""
    told = "Pan (right): pan-right of sprites-64 goes at "
    assert told in send(client, "/forecast", **{"prompt": "a cat", "camera.pan": "9"})[1]
    assert told not in send(client, "/forecast", **{"prompt": "a cat", "camera.pan": "2"})[1]
    where = send(client, **{"prompt": "a cat", "camera.pan": "9"})[1]
    assert told in client.get(f"/?job={plane.jobs.list().items[0].id}").get_data(as_text=True)
    german = client.get(f"/?job={plane.jobs.list().items[0].id}", headers={"Accept-Language": "de"})
    assert "geht höchstens mit" in german.get_data(as_text=True), where


def test_settings_are_restored_from_a_file(client: FlaskClient) -> None:
    file = {"recipe": (io.BytesIO(recipe_picture()), "clip.png")}
    status, page = send(client, "/recall", **file)
    assert status == 200
    assert "&lt;red&gt; cat" in page
    assert re.search(r'id="seed"[^>]*value="7"', page)
    for content, message in ((b"hello", "File with settings: "), (b"", "choose a file first")):
        file = {"recipe": (io.BytesIO(content), "x.txt" if content else "")}
        status, page = send(client, "/recall", **file)
        assert status == 422
        assert message in page


@pytest.mark.parametrize("name", ["count", "num_frames", "seed"])
def test_a_number_of_thousands_of_digits_is_refused(client: FlaskClient, plane: ControlPlane, name: str) -> None:
    """Fails when it is read as a number before its length is looked at: tried, 500."""
    status, page = send(client, prompt=PROMPT, **{name: "9" * 5000})
    assert (status, 'id="form-error" hidden' in page) == (422, False)
    assert plane.jobs.list().items == ()


def test_a_version_of_thousands_of_digits_is_refused(client: FlaskClient, plane: ControlPlane) -> None:
    """By the field's name, which has no control of its own. Fails when it is told as a control's: tried, no name."""
    _, where = send(client, prompt=PROMPT)
    status, page = send(client, f"{where}/edit", prompt="a dog", version="9" * 5000)
    assert (status, "Version of the clip: give a whole number of at most" in page) == (422, True)
    assert plane.jobs.list().items[0].spec.prompt == PROMPT


@pytest.mark.parametrize(
    ("form", "status", "message"),
    [
        ({"count": "8"}, 429, "0 jobs are waiting, and with 8 more it would be above 5"),
        ({"count": "2", "seed": str(2**63 - 1)}, 422, f"nearest is {2**63 - 2}"),
        ({"count": "2", "project": "p" * 1000}, 422, "printable characters"),
    ],
)
def test_several_clips_are_queued_together_or_not_at_all(
    client: FlaskClient, plane: ControlPlane, form: dict[str, str], status: int, message: str
) -> None:
    """Fails when each clip is checked for itself as it is queued: tried, five jobs, one and two were left."""
    got, page = send(client, prompt=PROMPT, **form)
    assert (got, message in page) == (status, True)
    assert plane.jobs.list().items == ()


def test_a_refused_batch_takes_nothing_of_the_day(client: FlaskClient, plane: ControlPlane) -> None:
    """Fails when only the first clip is looked for room for: tried, three were queued and counted, then removed."""
    for limits in (Limits(max_jobs_per_day=3), Limits(max_queued=3)):
        plane.quotas.set(LOCAL, limits, actor="operator")
        status, page = send(client, prompt=PROMPT, count="4")
        assert (status, "and with 4 more it would be above 3" in page) == (429, True)
        assert plane.quotas.of(LOCAL).jobs_today.used == 0
    assert send(client, prompt=PROMPT, count="3")[0] == 303


def test_several_clips_differ_in_their_seed_alone(client: FlaskClient, plane: ControlPlane) -> None:
    assert send(client, prompt=PROMPT, count="5", seed="7")[0] == 303
    assert sorted(job.spec.seed or 0 for job in plane.jobs.list().items) == [7, 8, 9, 10, 11]


def test_a_batch_whose_room_was_taken_meanwhile_is_taken_back(
    client: FlaskClient, plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the file that it brought. Fails when what was queued before the refusal stays: tried."""
    submit, made = submission.submit, []

    def one_and_no_more(*told: object) -> object:
        if made:
            raise VidgenError("somebody was faster", code="queue_full", retryable=True)
        made.append(submit(*told))  # type: ignore[arg-type]
        return made[0]

    monkeypatch.setattr(submission, "submit", one_and_no_more)
    picture = {"task": "image-to-video", "image": (io.BytesIO(b"\x89PNG"), "a.png")}
    status, page = send(client, prompt=PROMPT, count="3", **picture)
    assert (status, "somebody was faster" in page) == (429, True)
    assert plane.jobs.list().items == ()
    assert plane.uploads.get(made[0].job.spec.image.upload_id) is None

"""Drives every verb of the `openai` SDK's video API: `python verbs.py SDK_FOLDER BASE_URL`.

A program of its own, because two versions of the SDK cannot live in one process. It knows the SDK and the standard
library alone; tests/integration/test_openai_sdk.py starts the service and runs it once a version.
"""

import asyncio
import base64
import json
import sys
import threading
import time
import urllib.request
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from tempfile import TemporaryDirectory
from typing import Any

SDK_FOLDER, BASE_URL = sys.argv[1:3]
sys.path.insert(0, SDK_FOLDER)
warnings.simplefilter("ignore", DeprecationWarning)  # SDK 3 says of every call that its first service has ended

import openai  # noqa: E402
from openai import AsyncOpenAI, OpenAI  # noqa: E402
from openai.types import Video, VideoDeleteResponse  # noqa: E402

client = OpenAI(base_url=BASE_URL, api_key="unused", max_retries=2)
PROMPT = "a rocket moves right on a blue background"
# what the SDK's types allow for `size`, which no small model can do
SIZE_OF_THE_TYPES = "720x1280"
WAIT_SECONDS = 120
# where a clip need not look like anything
FEW: dict[str, Any] = {"num_inference_steps": 2}


class Neighbour:
    """A server on loopback that hands out a picture and takes webhooks."""

    def __init__(self) -> None:
        self.picture = b""
        self.webhooks: Queue[tuple[dict[str, str], bytes]] = Queue()
        neighbour = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(neighbour.picture)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                neighbour.webhooks.put((dict(self.headers.items()), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}"


neighbour = Neighbour()


def finished(video: Any) -> Any:
    """The video when it is completed."""
    video = client.videos.poll(video.id)
    assert video.status == "completed", video.to_dict()
    assert (video.progress, video.error) == (100, None)
    return video


def fits_the_types(model: Any, raw: dict[str, Any]) -> None:
    """The SDK builds its objects unchecked, so check here that the answer is what its types promise."""
    model.model_validate({**raw, "size": SIZE_OF_THE_TYPES} if "size" in raw else raw, strict=True)


def create_and_poll() -> Any:
    video = client.videos.create_and_poll(prompt=PROMPT, model="sora-2", seconds="4", size="720x1280")
    assert isinstance(video, Video)
    assert (video.status, video.progress, video.object) == ("completed", 100, "video")
    # what the SDK's users send without having chosen means the model's default where it cannot do that
    assert (video.model, video.seconds, video.size) == ("sprites-64", "4", "64x64")
    assert video.prompt == PROMPT
    assert video.created_at <= video.completed_at < video.expires_at
    return video


def answers_fit_the_types(video: Any) -> None:
    answer = client.videos.with_raw_response.create(prompt=PROMPT, extra_body={"seed": 3, "num_inference_steps": 2})
    raw = json.loads(answer.text() if callable(answer.text) else answer.text)
    fits_the_types(Video, raw)
    assert raw["status"] == "queued"
    assert isinstance(raw["progress"], int)
    assert int(answer.headers["openai-poll-after-ms"]) > 0
    fits_the_types(Video, finished(answer.parse()).to_dict())
    deleted = client.videos.with_raw_response.delete(raw["id"])
    fits_the_types(VideoDeleteResponse, json.loads(deleted.text() if callable(deleted.text) else deleted.text))
    fits_the_types(Video, client.videos.retrieve(video.id).to_dict())


def all_variants(video: Any) -> None:
    clip = client.videos.download_content(video.id)
    assert clip.response.headers["content-type"] == "video/mp4"
    assert clip.read()[4:8] == b"ftyp"
    assert client.videos.download_content(video.id, variant="video").read() == clip.read()
    thumbnail = client.videos.download_content(video.id, variant="thumbnail").read()
    sheet = client.videos.download_content(video.id, variant="spritesheet").read()
    assert thumbnail[:2] == sheet[:2] == b"\xff\xd8"
    assert thumbnail != sheet
    with TemporaryDirectory() as folder:
        client.videos.download_content(video.id).write_to_file(f"{folder}/clip.mp4")
        client.videos.download_content(video.id, variant="thumbnail").write_to_file(f"{folder}/first.jpg")
    neighbour.picture = thumbnail


def references(_: Any) -> None:
    inline = "data:image/jpeg;base64," + base64.b64encode(neighbour.picture).decode()
    made = [
        client.videos.create(
            prompt=PROMPT, input_reference=("first.jpg", neighbour.picture, "image/jpeg"), extra_body=FEW
        ),
        client.videos.create(prompt=PROMPT, extra_body={"input_reference": {"image_url": inline}, **FEW}),
        client.videos.create(
            prompt=PROMPT, extra_body={"input_reference": {"image_url": f"{neighbour.url}/a.jpg"}, **FEW}
        ),
    ]
    for video in made:
        finished(video)
        assert native(f"/jobs/{video.id}")["task"] == "image-to-video"


def remix(video: Any) -> None:
    prompt = "a rocket moves right on a green background"
    remixed = finished(client.videos.remix(video.id, prompt=prompt, extra_body=FEW))
    assert (remixed.remixed_from_video_id, remixed.prompt) == (video.id, prompt)
    old, new = native(f"/jobs/{video.id}")["spec"], native(f"/jobs/{remixed.id}")["spec"]
    assert (new["seed"], new["num_frames"], new["task"]) == (old["seed"], old["num_frames"], "video-to-video")


def edit(video: Any) -> None:
    clip = client.videos.download_content(video.id).read()
    by_id = client.videos.edit(prompt="an apple", video=openai.omit, extra_body={"video": {"id": video.id}, **FEW})
    by_file = client.videos.edit(prompt="an apple", video=("clip.mp4", clip, "video/mp4"), extra_body=FEW)
    # as long as the video; of a file, the model's default length
    assert [finished(edited).seconds for edited in (by_id, by_file)] == [video.seconds, "2"]
    assert {native(f"/jobs/{edited.id}")["task"] for edited in (by_id, by_file)} == {"video-to-video"}
    assert by_id.remixed_from_video_id == video.id


def extend(video: Any) -> None:
    clip = client.videos.download_content(video.id).read()
    by_id = client.videos.extend(
        prompt="it rises", seconds="3", video=openai.omit, extra_body={"video": {"id": video.id}, **FEW}
    )
    by_file = client.videos.extend(
        prompt="it rises", seconds="1", video=("clip.mp4", clip, "video/mp4"), extra_body=FEW
    )
    # the whole, from the beginning: the video and what is added
    whole = [str(int(video.seconds) + n) for n in (3, 1)]
    assert [by_id.seconds, by_file.seconds] == whole
    assert [finished(extended).seconds for extended in (by_id, by_file)] == whole
    assert native(f"/jobs/{by_id.id}")["spec"]["task"] == "extend-video"


def paging(_: Any) -> None:
    newest_first = [video.id for video in client.videos.list(limit=2)]
    assert len(newest_first) == len(set(newest_first)) > 4
    oldest_first = [video.id for video in client.videos.list(limit=3, order="asc")]
    assert oldest_first == newest_first[::-1]
    page = client.videos.list(limit=2)
    assert (page.has_more, page.last_id) == (True, page.data[-1].id)
    assert page.has_next_page()
    assert [video.id for video in page.get_next_page().data] == newest_first[2:4]
    assert [video.id for video in client.videos.list(after=newest_first[0], limit=1).data] == newest_first[1:2]


def raised(kind: type[Exception], call: Any) -> Any:
    """The exception of this kind that `call` ends with; others go through."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def errors(video: Any) -> None:
    def told(kind: type[openai.APIStatusError], code: str, param: str | None, call: Any) -> None:
        error = raised(kind, call)
        assert (error.code, error.param) == (code, param), error.body
        assert error.type
        # the SDK gave up at once
        assert error.response.request.headers["x-stainless-retry-count"] == "0"

    create, elsewhere = client.videos.create, {"video": {"id": "job_unknown"}}
    bad, missing = openai.BadRequestError, openai.NotFoundError
    told(bad, "invalid_spec", "seconds", lambda: create(prompt=PROMPT, seconds="500"))
    told(bad, "invalid_spec", "size", lambda: create(prompt=PROMPT, size="1792x1024"))
    told(bad, "unknown_model", "model", lambda: create(prompt=PROMPT, model="sora-2-pro"))
    told(bad, "invalid_request", "prompt", lambda: create(prompt=""))
    told(bad, "invalid_media", None, lambda: create(prompt=PROMPT, input_reference=b"not a picture"))
    url = {"input_reference": {"image_url": "http://127.0.0.2/"}}
    told(bad, "url_refused", "input_reference.image_url", lambda: create(prompt=PROMPT, extra_body=url))
    told(bad, "invalid_cursor", None, lambda: client.videos.list(after="job_unknown"))
    told(missing, "not_found", None, lambda: client.videos.retrieve("job_unknown"))
    told(missing, "not_found", None, lambda: client.videos.delete("job_unknown"))
    told(missing, "not_found", None, lambda: client.videos.download_content("job_unknown"))
    told(missing, "not_found", None, lambda: client.videos.remix("job_unknown", prompt="x"))
    told(
        missing,
        "not_found",
        None,
        lambda: client.videos.edit(prompt="x", video=openai.omit, extra_body=elsewhere),
    )
    stranger = OpenAI(base_url=BASE_URL, api_key=f"vg_{'a' * 16}_{'b' * 43}")
    told(openai.AuthenticationError, "unauthorized", None, lambda: stranger.videos.list())
    waiting = create(prompt=PROMPT, extra_body={"num_inference_steps": 100})
    told(bad, "video_not_completed", None, lambda: client.videos.download_content(waiting.id))
    told(bad, "video_not_completed", None, lambda: client.videos.remix(waiting.id, prompt="x"))
    client.videos.delete(waiting.id)
    assert client.videos.retrieve(video.id).status == "completed"


def delete_while_it_runs(_: Any) -> None:
    video = client.videos.create(prompt=PROMPT, seconds="3", extra_body={"num_inference_steps": 100})
    end = time.monotonic() + WAIT_SECONDS
    while client.videos.retrieve(video.id).status == "queued":
        assert time.monotonic() < end
        time.sleep(0.05)
    deleted = client.videos.delete(video.id)
    assert (deleted.id, deleted.object, deleted.deleted) == (video.id, "video.deleted", True)


def cancelled_is_failed(_: Any) -> None:
    video = client.videos.create(prompt=PROMPT, extra_body={"num_inference_steps": 100})
    native(f"/jobs/{video.id}/cancel", {})
    video = client.videos.poll(video.id)
    assert (video.status, video.error.code) == ("failed", "cancelled")


def webhooks(_: Any) -> None:
    events = ["video.completed", "video.failed"]
    endpoint = native("/webhook-endpoints", {"url": f"{neighbour.url}/hook", "events": events})
    video = finished(client.videos.create(prompt=PROMPT, extra_body=FEW))
    headers, body = neighbour.webhooks.get(timeout=WAIT_SECONDS)
    event = client.webhooks.unwrap(body, headers, secret=endpoint["secret"])
    assert (event.type, event.data.id, event.object) == ("video.completed", video.id, "event")
    assert isinstance(event.created_at, int)
    forged = body.replace(b"completed", b"failed")
    unwrap = client.webhooks.unwrap
    raised(openai.InvalidWebhookSignatureError, lambda: unwrap(forged, headers, secret=endpoint["secret"]))


def asynchronously(_: Any) -> None:
    async def drive() -> None:
        async with AsyncOpenAI(base_url=BASE_URL, api_key="unused") as other:
            video = await other.videos.create_and_poll(prompt=PROMPT, extra_body=FEW)
            assert video.status == "completed"
            content = await other.videos.download_content(video.id, variant="thumbnail")
            assert content.read()[:2] == b"\xff\xd8"
            assert (await other.videos.delete(video.id)).deleted

    asyncio.run(drive())


def native(path: str, body: dict[str, Any] | None = None) -> Any:
    """The native API, for what this one does not say."""
    address = BASE_URL.removesuffix("/v1") + "/api/v1" + path
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def main() -> None:
    print(f"openai {openai.__version__} from {openai.__file__}", flush=True)
    assert openai.__file__.startswith(SDK_FOLDER)
    video = create_and_poll()
    print("create_and_poll", flush=True)
    for check in (
        answers_fit_the_types,
        all_variants,
        references,
        remix,
        edit,
        extend,
        paging,
        errors,
        delete_while_it_runs,
        cancelled_is_failed,
        webhooks,
        asynchronously,
    ):
        began = time.monotonic()
        check(video)
        print(f"{check.__name__}: {time.monotonic() - began:.1f} s", flush=True)
    print(f"every verb of {openai.__version__} works", flush=True)


if __name__ == "__main__":
    main()

"""A service with one of everything in it, and the addresses of all pages that show it."""

from tests.simulated_worker import SimulatedWorker, jpeg, picture, write_clip
from tests.unit.web import led_rules
from tests.unit.web.test_portal_measured import REPORT
from tests.unit.web.test_variations_api import commit
from vidgen.jobs.gallery import Gallery
from vidgen.jobs.service import ControlPlane
from vidgen.spec import LongFields, TextToVideo
from vidgen_models.registry import ModelRegistry
from vidgen_models.shelf import Shelf

JOINTS = [
    {"frames": [12, 12], "verdict": "pass", "score": 0.42},
    {"frames": [24, 24], "verdict": "fail", "score": 1.31},
]
RULES = led_rules.RULES.model_copy(
    update={"controls": ("canny", "depth", "flow"), "camera_axes": ("pan", "tilt", "zoom", "roll")}
)


def fill(plane: ControlPlane) -> dict[str, str]:
    """Clips, a long one with chunks, a running one, waiting ones, a failed one; the pages by their name."""
    worker = SimulatedWorker(plane)
    done = [_made(plane, worker, prompt) for prompt in ("a cat moves left", "a rocket moves up on a blue background")]
    long = TextToVideo(prompt="a fox spins", width=64, height=64, num_frames=33, fps=8, seed=3, long=LongFields())
    plane.jobs.create(long, model_revision="1", max_queued=99)
    claim = worker.claim()
    for n in range(3):
        commit(plane, claim, n)
        worker.plane.store.chunk_picture(claim.job_id, n).write_bytes(jpeg(picture(9 * n)))
    worker.succeed(claim, JOINTS, REPORT)
    failed = _queue(plane, "a dog that fails")
    plane.jobs.fail(worker.claim(), "out_of_memory", "the device ran out of memory", False)
    for prompt in ("a lion grows", "a penguin moves right on a white background", "an apple"):
        waiting = _queue(plane, prompt)
    running = worker.claim()
    worker.step(running, 12, 20, chunk=(3, 8))
    gallery = Gallery(plane.engine)
    gallery.star(done[0], True)
    gallery.file(done[0], "Film")
    hook = plane.endpoints.of("local", "pictures").create("https://example.org/hook", "farm")
    plane.endpoints.of("local", "pictures").test(hook.id)
    plane.keys.of("local", "pictures").create("farm", ["jobs:read"])
    _bring(plane)
    shipped = ModelRegistry().get("sprites-64")
    rules = shipped.rules.model_copy(update={"conditioning": RULES})
    Shelf(plane.settings.added_models).put(
        shipped.model_copy(update={"id": "led", "name": "Led", "memory": (), "rules": rules})
    )
    return {
        "studio": f"/?job={done[0]}",
        "long": f"/?job={claim.job_id}",
        "failed": f"/?job={failed}",
        "running": f"/?job={running.job_id}",
        "compare": f"/?job={done[0]}&compare={done[1]}",
        "image": "/?mode=image",
        "restyle": f"/?mode=video&job={done[0]}&with=presets",
        "keyframes": "/?mode=keyframes&with=words",
        "story": "/?mode=story&with=advanced",
        "extend": "/?mode=extend&with=motion",
        "finish": "/?mode=finish&with=grid",
        "edit": f"/?edit={waiting}",
        "motion": "/?model=led&with=motion",
        "motion-restyle": "/?model=led&with=motion&mode=video",
        "job": f"/jobs/{done[0]}",
        "missing": "/jobs/none",
        "keys": "/settings/keys",
        "webhooks": "/settings/webhooks",
        "webhook": f"/settings/webhooks/{hook.id}",
        "deliveries": "/settings/deliveries",
        "usage": "/settings/usage",
        "model": "/settings/model",
        "uploads": "/settings/uploads",
        "training": "/settings/training",
        "sign-in": "/sign-in",
        "docs": "/docs",
    }


def _queue(plane: ControlPlane, prompt: str) -> str:
    spec = TextToVideo(prompt=prompt, width=64, height=64, num_frames=17, fps=8, seed=1)
    return plane.jobs.create(spec, model_revision="1", max_queued=99).job.id


def _bring(plane: ControlPlane) -> None:
    """A clip and a picture from outside."""
    uploads = plane.uploads.of("local", "pictures")
    plane.settings.incoming_dir.mkdir(parents=True, exist_ok=True)
    clip, still = plane.settings.incoming_dir / "clip.mp4", plane.settings.incoming_dir / "still.jpg"
    write_clip(clip, 17, 8)
    still.write_bytes(jpeg(picture(9)))
    size = {"width": 64, "height": 64}
    uploads.add(clip, filename="dance.mp4", kind="video", content_type="video/mp4", num_frames=17, fps=8, **size)
    uploads.add(still, filename="garden.jpg", kind="image", content_type="image/jpeg", **size)


def _made(plane: ControlPlane, worker: SimulatedWorker, prompt: str) -> str:
    _queue(plane, prompt)
    return worker.run()

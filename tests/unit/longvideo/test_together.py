"""Co-denoising on a tiny checkpoint of the real classes: what averaging does to frames, and resuming at any step."""

import numpy as np
import pytest
import torch

from tests.unit.longvideo.rendering import CountingStore, frames_of
from vidgen.components.scheduler_state import remembered, restore
from vidgen.errors import SpecError
from vidgen.longvideo import together
from vidgen.media.writer import write_video
from vidgen.pipelines import Residency
from vidgen.spec import (
    ExtendVideo,
    LongFields,
    MediaRef,
    Segment,
    Take,
    TextToVideo,
    VideoToVideo,
    resolve,
)
from vidgen.spec.advanced import AdvancedFields

CLIP, OTHER = MediaRef(upload_id="upl_clip"), MediaRef(upload_id="upl_other")
FRAMES = 49
"""Windows of 7 and twice 5 latent frames, which share 2."""
STEPS = 3
TOGETHER = LongFields(mode="co_denoise")


@pytest.fixture(scope="module")
def residency(tiny_registry) -> Residency:
    return Residency(tiny_registry)


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """Two clips that are the same up to frame 28."""
    frames = np.full((FRAMES, 32, 32, 3), 40, np.uint8)
    for number in range(FRAMES):
        frames[number, 8:24, number % 20 : number % 20 + 12] = (230, 120, 40)
    other = frames.copy()
    other[29:] = 255 - other[29:]
    folder = tmp_path_factory.mktemp("source")
    return {
        name: write_video([clip], folder / f"{name}.mp4", fps=8).path for name, clip in (("a", frames), ("b", other))
    }


def restyle(residency, media, *, clip="a", long=TOGETHER, **fields) -> np.ndarray:
    context = {name: fields.pop(name) for name in ("chunks", "cancelled") if name in fields}
    asked = {"prompt": "a red cat", "seed": 3, "strength": 1.0, "num_inference_steps": STEPS, "num_frames": FRAMES}
    spec = VideoToVideo(**{"model": "tiny", "video": CLIP, "long": long} | asked | fields)
    return frames_of(residency, spec, media={CLIP.key: media[clip]}, source_seconds=FRAMES / 8, **context)


@pytest.fixture(scope="module")
def whole(residency, media) -> np.ndarray:
    return restyle(residency, media)


def changed(one: np.ndarray, other: np.ndarray) -> list[int]:
    return [n for n in range(len(one)) if not np.array_equal(one[n], other[n])]


def test_what_a_later_window_holds_is_seen_in_the_windows_before(residency, media, whole):
    """Chained windows know only what went before; here the change at frame 29 reaches back through the overlaps to
    the first one. Fails when the earlier prediction alone counts where two overlap: tried."""
    assert whole.shape == (FRAMES, 32, 32, 3)
    soft, soft_b = (restyle(residency, media, clip=clip, strength=0.7) for clip in ("a", "b"))
    chain, chain_b = (restyle(residency, media, clip=clip, strength=0.7, long=LongFields()) for clip in ("a", "b"))
    assert min(changed(soft, soft_b)) < min(changed(chain, chain_b))


def test_it_is_one_draw_of_noise_and_another_clip_than_the_chain(residency, media, whole):
    assert np.array_equal(whole, restyle(residency, media))
    assert changed(whole, restyle(residency, media, long=LongFields()))
    assert changed(whole, restyle(residency, media, seed=4))


def test_strength_0_is_the_source_and_more_leaves_it_further(residency, media):
    source = restyle(residency, media, strength=0.0)
    # what the random autoencoder makes of the source is far from it: compare with the weakest restyle
    weak, *stronger = (
        restyle(residency, media, strength=strength, num_inference_steps=6) for strength in (0.2, 0.5, 1.0)
    )
    assert source.shape == weak.shape
    distances = [np.abs(clip.astype(float) - weak).mean() for clip in stronger]
    assert 0 < distances[0] < distances[1]


@pytest.mark.parametrize("sampler", ["euler", "unipc", "dpmpp-2m"])
def test_a_run_that_died_between_two_steps_goes_on_there(residency, media, sampler):
    """Fails when the samplers' earlier predictions are left out of what is kept: tried, for unipc and dpmpp-2m."""
    fields = {"advanced": AdvancedFields(sampler=sampler), "num_inference_steps": 4}
    store = CountingStore()
    store.fail_after = together.FIRST
    for _ in range(4):
        with pytest.raises(RuntimeError, match="the power went"):
            restyle(residency, media, chunks=store, **fields)
    store.fail_after = None
    resumed = restyle(residency, media, chunks=store, **fields)
    assert store.made == [together.FIRST] * 4 + [0, 1, 2]
    assert np.array_equal(resumed, restyle(residency, media, **fields))


def test_finished_chunks_are_found_again_and_one_can_be_retaken(residency, media, whole):
    store = CountingStore()
    restyle(residency, media, chunks=store)
    taken = TOGETHER.model_copy(update={"takes": (Take(chunk=1, seed=9),)})
    again = restyle(residency, media, chunks=store, long=taken)
    assert store.made == [together.FIRST] * STEPS + [0, 1, 2, 3]
    assert np.array_equal(again[:17], whole[:17])
    assert changed(again, whole)


def test_prompts_over_time_and_cuts(residency):
    def clip(second: str) -> np.ndarray:
        parts = (
            Segment(prompt="a red cat", frames=25),
            Segment(prompt=second, frames=12, transition_frames=4),
            Segment(prompt="down grows", frames=9, cut=True),
        )
        spec = TextToVideo(model="tiny", prompt="a red cat", seed=3, segments=parts, long=TOGETHER)
        return frames_of(residency, spec)

    one, other = clip("a red cat"), clip("the green dog spins")
    places = changed(one, other)
    assert len(one) == 46
    # averaging carries the later prompt into the overlap, and no further than a window reaches
    assert places
    assert min(places) >= 1
    assert max(places) < 37


def test_controls_and_references_lead_every_window(residency, media):
    """Fails when the windows' conditions are left out: tried."""

    def led(**items) -> np.ndarray:
        spec = TextToVideo(model="tiny", prompt="a red cat", seed=3, num_frames=FRAMES, long=TOGETHER, **items)
        both = {CLIP.key: media["a"], OTHER.key: media["b"]}
        return frames_of(residency, spec, media=both)

    alone, gray, gray_b = led(), *(led(controls=[{"kind": "gray", "video": ref}]) for ref in (CLIP, OTHER))
    assert changed(gray, alone)
    assert changed(gray, gray_b)
    referred = led(references=[{"image": CLIP.model_copy(update={"frame": 0})}])
    assert referred.shape == alone.shape
    assert changed(referred, alone)


def test_outside_of_a_mask_the_source_stays(residency, media):
    box = {"left": 0.25, "top": 0.25, "right": 0.75, "bottom": 0.75}
    new = restyle(residency, media, mask={"box": box, "feather": 0})
    source = restyle(residency, media, strength=0.0)
    outside = np.ones((32, 32), bool)
    outside[8:24, 8:24] = False
    assert np.array_equal(new[:, outside], source[:, outside])
    assert not np.array_equal(new, source)


def test_a_stop_ends_the_clip_after_the_shot_in_hand(residency):
    parts = tuple(Segment(frames=29, cut=bool(n)) for n in range(2))
    spec = TextToVideo(model="tiny", prompt="a red cat", seed=3, segments=parts, long=TOGETHER, num_inference_steps=1)
    whole = frames_of(residency, spec)
    stopped = frames_of(residency, spec, stop_requested=lambda: True)
    retaken = frames_of(residency, spec.model_copy(update={"long": LongFields(mode="co_denoise", last_chunk=1)}))
    assert (len(whole), len(stopped)) == (58, 29)
    assert np.array_equal(stopped, whole[:29])
    assert np.array_equal(retaken, stopped)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rerolls": 1}, "long.rerolls=1"),
        ({"loop": True}, "long.mode=co_denoise: a loop"),
        ({"takes": (Take(chunk=1, seed=1, then="remake"),)}, "long.takes.0.then=remake"),
    ],
    ids=str,
)
def test_what_does_not_go_with_it_is_refused_by_name(residency, fields, message):
    rules = residency.registry.get("tiny").rules
    frames = 36 if "loop" in fields else FRAMES
    spec = TextToVideo(model="tiny", num_frames=frames, long=LongFields(mode="co_denoise", **fields))
    with pytest.raises(SpecError, match=message.replace(".", r"\.")):
        resolve(spec, rules)


def test_models_and_tasks_that_cannot_are_refused(residency):
    rules = residency.registry.get("tiny").rules
    alone = rules.model_copy(update={"long": rules.long.model_copy(update={"modes": ("chain",)})})
    with pytest.raises(SpecError, match=r"long\.mode=co_denoise: tiny offers chain; nearest is chain"):
        resolve(TextToVideo(model="tiny", num_frames=FRAMES, long=TOGETHER), alone)
    with pytest.raises(SpecError, match="an extension goes on"):
        resolve(ExtendVideo(model="tiny", video=CLIP, num_frames=12, long=TOGETHER), rules)


def test_a_scheduler_goes_on_from_what_another_one_remembered(residency):
    model, x = residency.model("tiny").sampled(AdvancedFields(sampler="unipc")), torch.ones(1, 2, 3, 2, 2)

    def stepped(scheduler, sample, steps):
        for timestep in scheduler.timesteps[steps]:
            sample = scheduler.step(sample.sin(), timestep, sample, return_dict=False)[0]
        return sample

    first, second = model.scheduler(6), model.scheduler(6)
    middle = stepped(first, x, slice(0, 3))
    restore(second, remembered(first), torch.device("cpu"))
    assert torch.equal(stepped(first, middle, slice(3, 6)), stepped(second, middle, slice(3, 6)))

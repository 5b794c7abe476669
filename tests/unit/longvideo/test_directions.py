"""Loops, pictures on the way and transitions on a tiny checkpoint: lengths, resumes, retakes, and what is refused."""

import numpy as np
import pytest

from tests.unit.longvideo.rendering import CountingStore, frames_of
from vidgen.errors import SpecError
from vidgen.media.writer import write_video
from vidgen.pipelines import Residency
from vidgen.spec import ImageToVideo, Keyframe, LongFields, MediaRef, Segment, Take, TextToVideo

CLIP = MediaRef(upload_id="upl_clip")


@pytest.fixture(scope="module")
def residency(tiny_registry) -> Residency:
    return Residency(tiny_registry)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    frames = np.full((9, 32, 32, 3), 40, np.uint8)
    for number in range(9):
        frames[number, 8:24, 2 * number : 2 * number + 12] = (230, 120, 40)
    return write_video([frames], tmp_path_factory.mktemp("source") / "source.mp4", fps=8).path


def text(**fields) -> TextToVideo:
    return TextToVideo(**{"model": "tiny", "prompt": "a red cat", "seed": 3} | fields)


@pytest.mark.parametrize("frames", [12, 16, 24, 60])
def test_a_loop_is_as_long_as_asked_for(residency, frames):
    assert frames_of(residency, text(num_frames=frames, long=LongFields(loop=True))).shape == (frames, 32, 32, 3)


def test_a_loop_goes_on_where_it_died_and_its_chunks_can_be_retaken(residency):
    spec, store = text(num_frames=60, long=LongFields(loop=True)), CountingStore()
    store.fail_after = 1
    with pytest.raises(RuntimeError, match="the power went"):
        frames_of(residency, spec, chunks=store)
    store.fail_after = None
    whole = frames_of(residency, spec, chunks=store)
    assert np.array_equal(whole, frames_of(residency, spec))
    assert store.made == sorted(set(store.made))
    retaken = spec.model_copy(update={"long": LongFields(loop=True, takes=(Take(chunk=0, seed=9),))})
    assert not np.array_equal(frames_of(residency, retaken, chunks=store), whole)
    assert len(store.made) == len(set(store.made))


def test_a_loop_of_several_prompts(residency):
    segments = (Segment(prompt="a red cat", frames=12), Segment(prompt="the green dog", frames=12))
    assert len(frames_of(residency, text(segments=segments, long=LongFields(loop=True)))) == 24


def test_a_picture_changes_the_clip_around_it(residency, source):
    """In a clip of one window, of several, and in a later shot."""
    for spec in (
        text(num_frames=17),
        text(num_frames=61),
        text(segments=(Segment(frames=9), Segment(frames=17, cut=True))),
    ):
        led = spec.model_copy(update={"keyframes": (Keyframe(image=CLIP, frame=-4),)})
        one, other = (
            frames_of(residency, led, media={CLIP.key: source}),
            frames_of(residency, spec),
        )
        assert len(one) == len(other)
        assert not np.array_equal(one[-4:], other[-4:])


def test_pictures_of_a_clip_that_begins_with_one(residency, source):
    keys = (Keyframe(image=CLIP, seconds=2), Keyframe(image=CLIP.model_copy(update={"frame": -1}), frame=40))
    spec = ImageToVideo(model="tiny", prompt="a red cat", seed=3, num_frames=61, image=CLIP)
    plain = frames_of(residency, spec, media={CLIP.key: source})
    led = frames_of(residency, spec.model_copy(update={"keyframes": keys}), media={CLIP.key: source})
    assert not np.array_equal(plain[14:18], led[14:18])


def test_a_transition_changes_the_frames_of_its_own_length(residency):
    def clip(transition: int | None) -> np.ndarray:
        second = Segment(prompt="the green dog", frames=24, transition_frames=transition)
        return frames_of(residency, text(segments=(Segment(frames=17), second)))

    plain, fading = clip(None), clip(12)
    assert np.array_equal(plain[:9], fading[:9])
    assert not np.array_equal(plain[17:], fading[17:])


@pytest.mark.parametrize(
    ("fields", "field", "nearest"),
    [
        ({"num_frames": 25, "long": LongFields(loop=True)}, "num_frames", (24, 28)),
        ({"num_frames": 8, "long": LongFields(loop=True)}, "num_frames", (12,)),
        ({"num_frames": 17, "keyframes": (Keyframe(image=CLIP, frame=17),)}, "keyframes.0.frame", (16,)),
        ({"num_frames": 17, "keyframes": (Keyframe(image=CLIP),)}, "keyframes.0", ()),
        ({"num_frames": 17, "keyframes": (Keyframe(image=CLIP, seconds=9),)}, "keyframes.0.seconds", (2.0,)),
        (
            {"num_frames": 17, "keyframes": (Keyframe(image=CLIP, frame=5), Keyframe(image=CLIP, frame=8))},
            "keyframes.1.frame",
            (4, 9),
        ),
        ({"segments": (Segment(frames=9, transition_frames=4),)}, "segments.0.transition_frames", ()),
        (
            {"segments": (Segment(frames=9), Segment(frames=8, transition_frames=5))},
            "segments.1.transition_frames",
            (4, 8),
        ),
        (
            {"segments": (Segment(frames=9), Segment(frames=8, transition_seconds=5))},
            "segments.1.transition_seconds",
            (1.0,),
        ),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_do(residency, fields, field, nearest):
    with pytest.raises(SpecError) as caught:
        frames_of(residency, text(**fields))
    assert (caught.value.field, caught.value.nearest) == (field, nearest)

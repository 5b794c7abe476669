"""Long clips on a tiny checkpoint of the real classes: length, joints, resume, retakes, early end."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from tests.unit.longvideo.rendering import CountingStore, frames_of, stream_of
from vidgen.errors import Cancelled, OutOfMemory, SpecError, VidgenError
from vidgen.media.source import read_clip, read_picture
from vidgen.media.tensor import to_pixels
from vidgen.media.writer import write_video
from vidgen.pipelines import Residency, long_video, stills
from vidgen.pipelines.long_video import clip_of, script_of
from vidgen.runtime.chunks import CommittedChunk, FolderChunkStore, MemoryChunkStore
from vidgen.runtime.context import RunContext
from vidgen.spec import (
    ImageToVideo,
    LongFields,
    MediaRef,
    Progress,
    Segment,
    Stage,
    Take,
    TextToVideo,
    VideoToVideo,
    resolve,
)
from vidgen.stages.decode_latents import decode_latents

CLIP = MediaRef(upload_id="upl_clip")
FRAMES = 61
"""Opening of 7 latent frames and three windows that add 3 each."""


@pytest.fixture(scope="module")
def residency(tiny_registry) -> Residency:
    return Residency(tiny_registry)


def text(**fields) -> TextToVideo:
    return TextToVideo(**{"model": "tiny", "prompt": "a red cat", "seed": 3, "num_frames": FRAMES} | fields)


def with_takes(*takes: Take) -> TextToVideo:
    return text(long=LongFields(takes=takes))


@pytest.fixture(scope="module")
def whole(residency) -> np.ndarray:
    return frames_of(residency, text())


def latents_of(residency: Residency, spec, store) -> torch.Tensor:
    spec = resolve(spec, residency.registry.get("tiny").rules)
    model = residency.model("tiny")
    with torch.inference_mode():
        clip = clip_of(model, script_of(spec), spec, RunContext(chunks=store))
        return torch.cat([piece for stream in clip.streams(clip.make()) for piece in stream], 2)


@pytest.fixture(scope="module")
def whole_latents(residency) -> torch.Tensor:
    return latents_of(residency, text(), MemoryChunkStore())


def latents_decoded(residency: Residency, path) -> np.ndarray:
    """The source through the autoencoder alone."""
    model, frames = residency.model("tiny"), read_clip(path, width=32, height=32, num_frames=FRAMES, fps=8)
    with torch.inference_mode():
        return np.concatenate(list(decode_latents(model, model.encode_pixels(to_pixels(frames)), FRAMES, RunContext())))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    frames = np.full((FRAMES, 32, 32, 3), 40, np.uint8)
    for number in range(FRAMES):
        frames[number, 8:24, number % 20 : number % 20 + 12] = (230, 120, 40)
    return write_video([frames], tmp_path_factory.mktemp("source") / "source.mp4", fps=8).path


@pytest.mark.parametrize("frames", [29, 33, 37, 61])
def test_every_length_beyond_the_window_comes_out_whole(residency, frames):
    assert frames_of(residency, text(num_frames=frames)).shape == (frames, 32, 32, 3)


def test_the_same_spec_gives_the_same_frames(residency, whole):
    assert np.array_equal(frames_of(residency, text()), whole)


def test_the_first_window_is_a_clip_of_its_own_up_to_the_joint(residency, whole):
    """The opening is the plain text-to-video clip; from the shared frames on the next window has its say."""
    short = frames_of(residency, text(num_frames=25))
    assert np.array_equal(whole[:17], short[:17])
    assert not np.array_equal(whole[:25], short[:25])


@pytest.mark.parametrize("fail_after", range(4))
def test_a_run_that_died_anywhere_goes_on_and_ends_in_the_same_frames(residency, whole, fail_after):
    """Fails when the noise depends on what was drawn before, or when a found chunk is made again: tried."""
    store = CountingStore()
    store.fail_after = fail_after
    with pytest.raises(RuntimeError, match="the power went"):
        frames_of(residency, text(), chunks=store)
    store.fail_after = None
    assert np.array_equal(frames_of(residency, text(), chunks=store), whole)
    assert store.made == [0, 1, 2, 3]


def test_a_run_that_died_amid_a_chunk_makes_that_chunk_alone_again(residency, whole):
    store, steps = CountingStore(), iter(range(100))
    with pytest.raises(Cancelled):
        frames_of(residency, text(), chunks=store, cancelled=lambda: next(steps) > 4)
    assert 0 < len(store.made) < 3
    assert np.array_equal(frames_of(residency, text(), chunks=store), whole)
    assert store.made == [0, 1, 2, 3]


def test_chunks_from_disk_give_the_same_frames(residency, whole, tmp_path):
    frames_of(residency, text(), chunks=FolderChunkStore(tmp_path))
    told: list[CommittedChunk] = []
    assert np.array_equal(frames_of(residency, text(), chunks=FolderChunkStore(tmp_path, told.append)), whole)
    assert [chunk.n for chunk in told] == [0, 1, 2, 3]


def test_a_damaged_chunk_is_made_again(residency, whole, tmp_path):
    frames_of(residency, text(), chunks=FolderChunkStore(tmp_path))
    (file,) = tmp_path.glob("00002-*")
    file.write_bytes(file.read_bytes()[:-1])
    assert np.array_equal(frames_of(residency, text(), chunks=FolderChunkStore(tmp_path)), whole)


def test_a_chunk_lost_while_decoding_is_an_error_worth_another_attempt(residency, tmp_path):
    stream = stream_of(residency, text(), chunks=FolderChunkStore(tmp_path))
    next(stream)
    for file in tmp_path.glob("00003-*"):
        file.unlink()
    with pytest.raises(VidgenError) as caught:
        list(stream)
    assert (caught.value.code, caught.value.retryable) == ("chunk_lost", True)


def test_memory_that_ends_while_decoding_costs_no_chunk(residency, whole, monkeypatch):
    def too_much(*_, **__):
        raise OutOfMemory("the frames did not fit")

    store = CountingStore()
    with monkeypatch.context() as patch:
        patch.setattr(long_video, "decode_latents", too_much)
        with pytest.raises(OutOfMemory):
            frames_of(residency, text(), chunks=store)
    assert np.array_equal(frames_of(residency, text(), chunks=store), whole)
    assert store.made == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "change",
    [{"seed": 4}, {"num_inference_steps": 3}, {"guidance_scale": 2.0}, {"prompt": "the green dog"}],
    ids=lambda change: next(iter(change)),
)
def test_chunks_of_other_settings_are_never_gone_on_from(residency, change):
    """Fails when the setting is left out of the fingerprint: tried."""
    store = MemoryChunkStore()
    frames_of(residency, text(), chunks=store)
    assert np.array_equal(frames_of(residency, text(**change), chunks=store), frames_of(residency, text(**change)))


@pytest.mark.parametrize("change", [{"anchor": 1.0}, {"condition_noise": 0.5}], ids=str)
def test_each_of_these_changes_the_later_frames_but_not_the_first_window(residency, whole, change):
    changed = frames_of(residency, text(long=LongFields(**change)))
    assert np.array_equal(changed[:13], whole[:13])
    assert not np.array_equal(changed, whole)


def test_stopping_early_keeps_what_was_made(residency, whole):
    store = CountingStore()
    frames = frames_of(residency, text(), chunks=store, stop_requested=lambda: len(store.made) == 2)
    assert store.made == [0, 1]
    assert len(frames) == 37
    assert np.array_equal(frames[:29], whole[:29])


def test_another_overlap_is_another_clip(residency, whole):
    assert not np.array_equal(frames_of(residency, text(long=LongFields(overlap=4))), whole)


def test_a_retake_changes_its_own_latents_and_no_others(residency, whole_latents):
    """Chunk 2 lies on latent frames 8 to 12; the first of them was handed to it, the last it hands on."""
    store = CountingStore()
    latents_of(residency, text(), store)
    retaken = latents_of(residency, with_takes(Take(chunk=2, seed=99)), store)
    assert store.made == [0, 1, 2, 3, 4]
    assert store.seeds[4] == 99
    same = [bool(torch.equal(retaken[:, :, n], whole_latents[:, :, n])) for n in range(16)]
    assert same == [True] * 9 + [False] * 3 + [True] * 4


def test_a_retake_is_the_same_whether_or_not_the_other_chunks_were_kept(residency):
    store, take = CountingStore(), Take(chunk=1, seed=5, prompt="the green dog")
    latents_of(residency, text(), store)
    kept = latents_of(residency, with_takes(take), store)
    assert torch.equal(kept, latents_of(residency, with_takes(take), MemoryChunkStore()))


@pytest.mark.parametrize("chunk", [0, 3])
def test_the_first_and_the_last_chunk_can_be_retaken(residency, whole_latents, chunk):
    retaken = latents_of(residency, with_takes(Take(chunk=chunk, seed=5)), MemoryChunkStore())
    changed = [n for n in range(16) if not torch.equal(retaken[:, :, n], whole_latents[:, :, n])]
    assert changed == ([0, 1, 2, 3, 4, 5] if chunk == 0 else [12, 13, 14, 15])


def test_neighbours_can_be_retaken_one_after_the_other(residency):
    takes = (Take(chunk=1, seed=5), Take(chunk=2, seed=6))
    assert frames_of(residency, with_takes(*takes)).shape == (FRAMES, 32, 32, 3)


def test_a_branch_keeps_what_went_before_and_remakes_the_rest(residency, whole_latents):
    store = CountingStore()
    latents_of(residency, text(), store)
    branched = latents_of(residency, with_takes(Take(chunk=2, seed=99, then="remake")), store)
    assert store.made == [0, 1, 2, 3, 2, 3]
    assert torch.equal(branched[:, :, :9], whole_latents[:, :, :9])
    assert not torch.equal(branched[:, :, 9:], whole_latents[:, :, 9:])


def test_a_chunk_that_was_handed_other_latents_is_another_chunk(residency):
    """Chunk 2 has the same seed in both clips, and another chunk before it. Fails when the carried latents are left out
    of the fingerprint: tried."""
    one = with_takes(Take(chunk=1, seed=5, then="remake"))
    other = with_takes(Take(chunk=1, seed=6, then="remake"), Take(chunk=2, seed=5, then="remake"))
    store = CountingStore()
    latents_of(residency, one, store)
    assert torch.equal(latents_of(residency, other, store), latents_of(residency, other, MemoryChunkStore()))
    assert store.made == [0, 1, 2, 3, 1, 2, 3]


def test_a_take_of_a_chunk_the_clip_does_not_have_is_refused(residency):
    with pytest.raises(SpecError, match=r"long\.takes\.0\.chunk=4: the clip has chunks 0 to 3"):
        frames_of(residency, with_takes(Take(chunk=4, seed=1)))


def test_a_segments_prompt_changes_the_clip_from_there_on(residency):
    def clip(second: str) -> torch.Tensor:
        segments = (Segment(prompt="a red cat", frames=25), Segment(prompt=second, frames=24))
        return latents_of(residency, text(num_frames=None, segments=segments), MemoryChunkStore())

    one, other = clip("a red cat"), clip("the green dog spins")
    assert one.shape[2] == 13
    assert torch.equal(one[:, :, :5], other[:, :, :5])
    assert not torch.equal(one[:, :, 7:], other[:, :, 7:])


def test_a_cut_begins_a_shot_that_knows_nothing_of_the_one_before(residency):
    def clip(first: str) -> np.ndarray:
        segments = (Segment(prompt=first, frames=29), Segment(prompt="the green dog", frames=9, cut=True))
        return frames_of(residency, text(num_frames=None, segments=segments))

    one, other = clip("a red cat"), clip("down grows")
    assert one.shape[0] == 38
    assert np.array_equal(one[29:], other[29:])
    assert not np.array_equal(one[:29], other[:29])


def test_a_long_clip_begins_with_the_picture_it_was_given(residency, source):
    def clip(frame: int) -> np.ndarray:
        image = CLIP.model_copy(update={"frame": frame})
        spec = ImageToVideo(model="tiny", prompt="a red cat", seed=3, num_frames=FRAMES, image=image)
        return frames_of(residency, spec, media={CLIP.key: source})

    assert clip(0).shape == (FRAMES, 32, 32, 3)
    assert not np.array_equal(clip(0), clip(-1))


def test_a_long_clip_ends_on_the_picture_it_was_given(residency, source, monkeypatch):
    """Fails when the last window is not given its tail: tried."""
    last, ends = MediaRef(upload_id="upl_last", frame=30), []

    def keep(model, latents, num_frames, ctx, *, done):
        ends.append(torch.cat(list(latents), 2)[:, :, -2:])
        return decode_latents(model, ends[-1], num_frames, ctx, done=done)

    monkeypatch.setattr(long_video, "decode_latents", keep)
    spec = ImageToVideo(model="tiny", prompt="a red cat", seed=3, num_frames=FRAMES, image=CLIP)
    for ref in (None, last):
        frames_of(residency, spec.model_copy(update={"last_image": ref}), media={CLIP.key: source, last.key: source})
    picture = to_pixels(read_picture(source, width=32, height=32, frame=30))[0, :, 0]
    with torch.inference_mode():
        still = stills.at_rest(residency.model("tiny"), picture)
    assert not torch.allclose(ends[0][:, :, -1:], still, atol=0.1)
    assert torch.equal(ends[1][:, :, -1:], still)
    assert not torch.equal(ends[0][:, :, 0], ends[1][:, :, 0])


def restyled(residency, source, strength: float, **context) -> np.ndarray:
    spec = VideoToVideo(model="tiny", prompt="a red cat", seed=3, video=CLIP, strength=strength, num_inference_steps=10)
    spec = spec.model_copy(update={"num_frames": FRAMES})
    return frames_of(residency, spec, media={CLIP.key: source}, source_seconds=FRAMES / 8, **context)


def test_a_long_restyle_leaves_its_source_further_the_stronger_it_is(residency, source):
    returned = restyled(residency, source, 0.0)
    assert returned.shape == (FRAMES, 32, 32, 3)
    coded = latents_decoded(residency, source)
    distances = [
        np.abs(restyled(residency, source, strength).astype(float) - coded).mean() for strength in (0.1, 0.5, 1.0)
    ]
    assert distances == sorted(distances)


def test_a_long_restyle_goes_on_where_it_died(residency, source):
    store = CountingStore()
    store.fail_after = 1
    with pytest.raises(RuntimeError, match="the power went"):
        restyled(residency, source, 0.5, chunks=store)
    store.fail_after = None
    assert np.array_equal(restyled(residency, source, 0.5, chunks=store), restyled(residency, source, 0.5))
    assert store.made == [0, 1, 2, 3]


def test_progress_rises_over_all_chunks_and_ends_in_decoding(residency):
    seen: list[Progress] = []
    frames_of(residency, text(), report=seen.append)
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert 0.75 < max(p.fraction for p in seen if p.stage is Stage.DENOISING) <= 0.8 + 1e-9
    told = list(dict.fromkeys((p.chunk, p.total_chunks) for p in seen if p.stage is Stage.DENOISING))
    assert told == [(n + 1, len(told)) for n in range(len(told))], (
        "fails when a chunk's steps do not say whose they are"
    )
    assert len(told) > 1
    assert seen[-1].stage is Stage.DECODING
    assert seen[-1].fraction == pytest.approx(0.95)


def test_every_finished_chunk_is_shown(residency):
    seen: list[Progress] = []
    frames_of(residency, text(num_inference_steps=1), report=seen.append)
    shown = [progress.preview for progress in seen if progress.preview]
    assert len(set(shown)) >= 4
    assert Image.open(io.BytesIO(shown[-1])).size == (32, 32)

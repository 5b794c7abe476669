"""Clips made longer at either end: what stays as it was, what is new, and that a resumed run is the same clip."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit.longvideo.rendering import CountingStore, frames_of
from tests.unit.longvideo.test_seam_gate import limits
from vidgen.errors import Cancelled, SpecError
from vidgen.media.reader import read_frames_pyav
from vidgen.media.writer import write_video
from vidgen.pipelines import Residency, render
from vidgen.pipelines.extend_video import faded
from vidgen.pipelines.receipt import Notes
from vidgen.quality.seams import report
from vidgen.runtime.chunks import CommittedChunk, FolderChunkStore
from vidgen.runtime.context import RunContext
from vidgen.runtime.lent_chunks import LendingChunkStore
from vidgen.spec import ExtendVideo, LongFields, MediaRef, Segment, Take, TextToVideo, resolve

CLIP = MediaRef(artifact_id="art_clip")
LENGTH, NEW = 25, 24


@pytest.fixture(scope="module")
def residency(tiny_registry) -> Residency:
    return Residency(tiny_registry)


@pytest.fixture(scope="module")
def earlier(residency, tmp_path_factory) -> tuple[np.ndarray, Path, Path]:
    """A clip made here: its frames, its file, and the folder of its latents."""
    folder = tmp_path_factory.mktemp("earlier")
    store = FolderChunkStore(folder / "chunks")
    spec = TextToVideo(model="tiny", prompt="a red cat", seed=3, num_frames=LENGTH)
    frames = frames_of(residency, spec, chunks=store)
    return frames, write_video([frames], folder / "clip.mp4", fps=8).path, folder / "chunks"


def extension(**fields) -> ExtendVideo:
    return ExtendVideo(**{"model": "tiny", "prompt": "a red cat", "seed": 4, "num_frames": NEW, "video": CLIP} | fields)


def made_longer(residency, earlier, *, lender: Path | None = None, own: Path | None = None, **fields) -> np.ndarray:
    context = {"media": {CLIP.key: earlier[1]}, "lender": lender}
    if own is not None:
        store = FolderChunkStore(own)
        context["chunks"] = store if lender is None else LendingChunkStore(store, lender)
    return frames_of(residency, extension(**fields), **context)


def file_frames(path: Path, count: int) -> np.ndarray:
    return read_frames_pyav(path, range(count))


def test_a_clip_whose_latents_are_kept_begins_bit_by_bit_as_it_was(residency, earlier):
    """Fails when the clip's file is encoded although its latents are there: tried."""
    longer = made_longer(residency, earlier, lender=earlier[2])
    assert len(longer) == LENGTH + NEW
    assert np.array_equal(longer[:LENGTH], earlier[0])
    assert not np.array_equal(longer[LENGTH:], longer[LENGTH - NEW : LENGTH])


def test_another_seed_or_prompt_goes_on_otherwise(residency, earlier):
    one = made_longer(residency, earlier, lender=earlier[2])
    for change in ({"seed": 5}, {"prompt": "the green dog"}):
        other = made_longer(residency, earlier, lender=earlier[2], **change)
        assert np.array_equal(one[:LENGTH], other[:LENGTH])
        assert not np.array_equal(one[LENGTH:], other[LENGTH:])


def test_from_a_frame_in_its_middle_what_came_after_is_left_out(residency, earlier):
    longer = made_longer(residency, earlier, lender=earlier[2], from_frame=12)
    assert len(longer) == 13 + NEW
    assert np.array_equal(longer[:13], earlier[0][:13])
    # frame 9 shares a latent frame with 10 to 12, so that the clip cannot be cut in latents there
    between = made_longer(residency, earlier, lender=earlier[2], from_frame=9, num_frames=8)
    assert len(between) == 10 + 8
    assert np.array_equal(between[:2], file_frames(earlier[1], 2))


def test_an_extended_clip_can_be_extended_in_latents_again(residency, earlier, tmp_path):
    """Fails when the decoder takes the shorter clip's tenth latent alone, as it did, and one of three here: tried,
    1.4e-6 before rounding."""
    once = made_longer(residency, earlier, lender=earlier[2], own=tmp_path / "once", num_frames=12)
    context = {"media": {CLIP.key: write_video([once], tmp_path / "once.mp4", fps=8).path}, "lender": tmp_path / "once"}
    twice = frames_of(residency, extension(num_frames=8), **context)
    assert len(twice) == LENGTH + 12 + 8
    assert np.array_equal(twice[: LENGTH + 12], once)


@pytest.mark.parametrize("kept", [True, False], ids=["latents", "file"])
def test_the_joint_with_the_clip_is_judged_too(residency, earlier, tmp_path, monkeypatch, kept):
    """Fails when the gate begins with the first new chunk, as it does in a clip of its own: tried."""
    monkeypatch.setattr(report, "calibrated", lambda: limits(1e-6))
    notes = Notes()
    store = FolderChunkStore(tmp_path / "own")
    lender = earlier[2] if kept else None
    context = {"chunks": LendingChunkStore(store, lender) if lender else store, "lender": lender}
    spec = extension(num_frames=8, long=LongFields(rerolls=1), num_inference_steps=1)
    frames = frames_of(residency, spec, media={CLIP.key: earlier[1]}, note=notes.add, **context)
    assert len(frames) == LENGTH + 8
    tried = [(it["chunk"], it["attempt"]) for it in notes.of("repairs") if it["attempt"] != "colour match"]
    assert tried == [(0, "first"), (0, "reroll")]


def test_joints_of_a_clip_extended_backward_are_judged_as_well(residency, earlier, monkeypatch):
    """Fails when chunks that lead up to others pass unseen: as it was."""
    monkeypatch.setattr(report, "calibrated", lambda: limits(1e-6))
    notes, told = Notes(), []
    spec = extension(direction="backward", num_frames=33, long=LongFields(rerolls=1), num_inference_steps=1)
    context = {"media": {CLIP.key: earlier[1]}, "note": notes.add, "repairing": told.append}
    frames = frames_of(residency, spec, **context)
    assert len(frames) == 33 + LENGTH
    tried = [(it["chunk"], it["attempt"]) for it in notes.of("repairs")]
    chunks = sorted({chunk for chunk, _ in tried})
    assert tried == [(chunk, kind) for chunk in chunks for kind in ("first", "reroll")]
    assert len(chunks) > 1
    for chunk in chunks:
        scores = {it["score"]: it["kept"] for it in notes.of("repairs") if it["chunk"] == chunk}
        assert scores[min(scores)]
    assert [(it["chunk"], it["attempt"]) for it in told] == tried


def test_the_joint_of_a_backward_extension_is_in_the_report(residency, earlier, tmp_path):
    """At the first frame of the clip, until it has faded in. Fails when only the joints of the new chunks are told: as
    it was, none."""
    asked = extension(direction="backward", num_frames=13, num_inference_steps=1)
    spec = resolve(asked, residency.registry.get("tiny").rules)
    render(spec, RunContext(media={CLIP.key: earlier[1]}), tmp_path, residency)
    seams = json.loads((tmp_path / "seams.json").read_text())
    assert seams["num_frames"] == 13 + LENGTH
    assert [joint["frames"] for joint in seams["joints"]] == [[13, 21]]
    assert seams["joints"][0]["verdict"] in ("pass", "fail")
    assert "colour" in seams["joints"][0]["measures"]


def test_shots_before_the_last_stay_too(residency, tmp_path):
    segments = (Segment(frames=9), Segment(frames=9, cut=True))
    spec = TextToVideo(model="tiny", prompt="a red cat", seed=3, segments=segments)
    store = FolderChunkStore(tmp_path / "chunks")
    cut = frames_of(residency, spec, chunks=store)
    clip = write_video([cut], tmp_path / "cut.mp4", fps=8).path
    notes = Notes()
    context = {"media": {CLIP.key: clip}, "lender": tmp_path / "chunks", "chunks": CountingStore(), "note": notes.add}
    longer = frames_of(residency, extension(num_frames=8), **context)
    assert np.array_equal(longer[:18], cut)
    assert [joint["frames"] for joint in notes.of("joints") if joint["cut"]] == [[9, 9]]
    assert len(longer) == 18 + 8


def test_of_any_other_clip_all_but_the_last_frames_stay_as_they_are(residency, earlier):
    """The last ones fade into what the autoencoder makes of them."""
    longer = made_longer(residency, earlier)
    own = file_frames(earlier[1], LENGTH)
    assert len(longer) == LENGTH + NEW
    assert np.array_equal(longer[: LENGTH - 8], own[: LENGTH - 8])
    assert not np.array_equal(longer[LENGTH - 8 : LENGTH], own[LENGTH - 8 :])


def test_backward_the_clip_comes_last(residency, earlier):
    longer = made_longer(residency, earlier, direction="backward", num_frames=LENGTH)
    own = file_frames(earlier[1], LENGTH)
    assert len(longer) == LENGTH + LENGTH
    assert np.array_equal(longer[LENGTH + 8 :], own[8:])
    later = made_longer(residency, earlier, direction="backward", num_frames=9, from_seconds=1.0)
    assert len(later) == 9 + LENGTH - 8
    assert np.array_equal(later[9 + 8 :], own[16:])


def test_what_comes_before_leads_up_to_the_clip(residency, earlier, tmp_path):
    """The new part is conditioned on where it arrives. Fails when the clip's latents are not given: tried."""
    other = np.ascontiguousarray(earlier[0][:, ::-1])
    flipped = write_video([other], tmp_path / "flipped.mp4", fps=8).path
    fields = {"direction": "backward", "num_frames": 9, "long": LongFields(anchor=0.0)}
    one = made_longer(residency, earlier, **fields)
    assert not np.array_equal(one[:9], frames_of(residency, extension(**fields), media={CLIP.key: flipped})[:9])


@pytest.mark.parametrize("source_frames", [1, 2, 6])
def test_even_a_very_short_clip_can_be_gone_on_from(residency, earlier, source_frames, tmp_path):
    short = write_video([earlier[0][:source_frames]], tmp_path / "short.mp4", fps=8).path
    assert len(frames_of(residency, extension(num_frames=8), media={CLIP.key: short})) == source_frames + 8


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_run_that_died_goes_on_and_ends_in_the_same_frames(residency, earlier, direction):
    fields = {"direction": direction, "num_frames": NEW + (direction == "backward")}
    whole, store, steps = made_longer(residency, earlier, **fields), CountingStore(), iter(range(100))
    with pytest.raises(Cancelled):
        frames_of(
            residency,
            extension(**fields),
            media={CLIP.key: earlier[1]},
            chunks=store,
            cancelled=lambda: next(steps) > 3,
        )
    assert 0 < len(store.made) < 3
    made = store.made.copy()
    assert np.array_equal(frames_of(residency, extension(**fields), media={CLIP.key: earlier[1]}, chunks=store), whole)
    assert store.made[: len(made)] == made
    assert sorted(store.made) == sorted(set(store.made))


def test_latents_taken_over_outlive_the_clip_they_came_from(residency, earlier, tmp_path):
    """Fails when they are read from the other job's folder every time: tried."""
    lender = shutil.copytree(earlier[2], tmp_path / "lender")
    steps = iter(range(100))
    store = LendingChunkStore(FolderChunkStore(tmp_path / "own"), lender)
    context = {"media": {CLIP.key: earlier[1]}, "lender": lender, "chunks": store}
    with pytest.raises(Cancelled):
        frames_of(residency, extension(), **context, cancelled=lambda: next(steps) > 1)
    shutil.rmtree(lender)
    gone = made_longer(residency, earlier, lender=lender, own=tmp_path / "own")
    assert np.array_equal(gone, made_longer(residency, earlier, lender=earlier[2]))


def test_a_chunk_of_the_new_part_can_be_retaken(residency, earlier, tmp_path):
    made_longer(residency, earlier, own=tmp_path / "own")
    told: list[CommittedChunk] = []
    spec = extension(long=LongFields(takes=(Take(chunk=1, seed=9),)))
    store = LendingChunkStore(FolderChunkStore(tmp_path / "again", told.append), tmp_path / "own")
    frames_of(residency, spec, media={CLIP.key: earlier[1]}, chunks=store)
    assert [(chunk.about["chunk"], chunk.about["take"], chunk.seed) for chunk in told][-1] == (1, 0, 9)
    assert told[-1].about["first_frame"] == LENGTH + 12


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"from_frame": 25}, "from_frame"),
        ({"from_frame": -26}, "from_frame"),
        ({"from_seconds": 9.0}, "from_seconds"),
        ({"direction": "backward", "num_frames": 9, "from_frame": 23}, "video"),
        ({"from_frame": 3, "from_seconds": 1.0}, "from_seconds"),
        ({"num_frames": 25}, "num_frames"),
        ({"direction": "backward", "num_frames": 24}, "num_frames"),
        ({"video": CLIP.model_copy(update={"frame": 3})}, "video.frame"),
        ({"long": LongFields(loop=True)}, "long.loop"),
        ({"num_frames": None, "segments": (Segment(frames=8, cut=True),)}, "segments.0.cut"),
    ],
)
def test_what_cannot_be_is_refused_by_name(residency, earlier, fields, field):
    with pytest.raises(SpecError) as caught:
        made_longer(residency, earlier, **fields)
    assert caught.value.field == field


def test_a_fade_goes_from_one_to_the_other():
    own, decoded = [np.full((1, 2, 2, 3), 100, np.uint8)] * 3, [np.full((5, 2, 2, 3), 200, np.uint8)]
    forward = [int(frame[0, 0, 0, 0]) for frame in faded(own, decoded, [0.25, 0.5, 0.75])]
    assert forward == [125, 150, 175, 200, 200]
    backward = [int(frame[0, 0, 0, 0]) for frame in faded(own, decoded, [0.75, 0.5], after=2)]
    assert backward == [200, 200, 175, 150]


def test_the_new_part_is_held_to_the_colours_of_the_clip(residency, earlier):
    held = made_longer(residency, earlier, lender=earlier[2], long=LongFields(anchor=1.0))
    free = made_longer(residency, earlier, lender=earlier[2], long=LongFields(anchor=0.0))
    assert not torch.equal(torch.from_numpy(held[LENGTH:]), torch.from_numpy(free[LENGTH:]))

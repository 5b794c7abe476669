"""The seam gate: a joint that shows is repaired, within the budget, told of, and the same whenever it is made."""

import json

import numpy as np
import pytest
import torch

from tests.unit.longvideo.rendering import CountingStore, frames_of
from vidgen.longvideo.gate import RunUp, measured
from vidgen.longvideo.joints import joint_at
from vidgen.longvideo.planner import Window
from vidgen.longvideo.repair import attempt_number, colour_matched, derived_seed, wider
from vidgen.media.recall import recall
from vidgen.pipelines import Residency, render
from vidgen.pipelines.receipt import Notes
from vidgen.quality.seams import SeamMeter, report
from vidgen.quality.seams.report import MEASURES
from vidgen.quality.seams.thresholds import Threshold, Thresholds
from vidgen.runtime.context import RunContext
from vidgen.spec import LongFields, Take, TextToVideo, resolve
from vidgen.stages.decode_latents import to_uint8

FRAMES = 49
"""An opening of 7 latent frames and two windows that add 3 each."""


def limits(of_all: float) -> Thresholds:
    """One threshold for every measure: nothing passes a tiny one, everything a huge one."""
    return Thresholds({name: Threshold(of_all, 0.05) for name in MEASURES}, {})


@pytest.fixture(scope="module")
def residency(tiny_registry) -> Residency:
    return Residency(tiny_registry)


@pytest.fixture
def strict(monkeypatch) -> None:
    """The chunks of random weights are measured as they are; that no joint is good enough is all that is made up."""
    monkeypatch.setattr(report, "calibrated", lambda: limits(1e-6))


def clip(rerolls: int = 1, **long) -> TextToVideo:
    return TextToVideo(
        model="tiny",
        prompt="a red cat",
        seed=3,
        num_frames=FRAMES,
        num_inference_steps=1,
        long=LongFields(rerolls=rerolls, **long),
    )


def repairs(residency: Residency, spec: TextToVideo, **context) -> list[dict]:
    notes = Notes()
    frames_of(residency, spec, note=notes.add, **context)
    return list(notes.of("repairs"))


def test_joints_that_pass_leave_the_clip_as_it_is(residency, monkeypatch):
    monkeypatch.setattr(report, "calibrated", lambda: limits(1e9))
    assert repairs(residency, clip()) == []
    assert np.array_equal(frames_of(residency, clip()), frames_of(residency, clip(rerolls=0)))


@pytest.mark.usefixtures("strict")
def test_every_attempt_is_told_and_the_best_one_stays(residency):
    """Fails when the last attempt is kept instead of the best: tried."""
    told = repairs(residency, clip())
    assert {entry["chunk"] for entry in told} == {1, 2}
    for chunk in (1, 2):
        tried = [entry for entry in told if entry["chunk"] == chunk]
        assert [entry["attempt"] for entry in tried if entry["attempt"] != "colour match"] == [
            "first",
            "wider blend",
            "reroll",
        ]
        (kept,) = [entry for entry in tried if entry["kept"]]
        assert kept["score"] == min(entry["score"] for entry in tried)
        assert tried[-1]["seed"] == derived_seed(3, chunk, 1) != 3


@pytest.mark.usefixtures("strict")
def test_the_budget_bounds_the_other_seeds(residency):
    told = repairs(residency, clip(rerolls=2))
    assert [sum(it["attempt"] == "reroll" and it["chunk"] == n for it in told) for n in (1, 2)] == [2, 2]
    assert repairs(residency, clip(rerolls=0)) == []


@pytest.mark.usefixtures("strict")
def test_a_chunk_that_somebody_chose_is_taken_as_it_is(residency):
    told = repairs(residency, clip(takes=(Take(chunk=1, seed=9, then="remake"),)))
    assert {entry["chunk"] for entry in told} == {2}


@pytest.mark.usefixtures("strict")
def test_a_run_that_died_amid_the_attempts_ends_in_the_same_clip(residency):
    """Killed after each commit in turn, attempts included: no chunk is made twice, and every frame is the same.

    Fails when an attempt is stored under the number of the one before it: tried.
    """
    store = CountingStore()
    whole = frames_of(residency, clip(), chunks=store)
    numbers = store.made
    assert len(numbers) == len(set(numbers)) > 6
    for number in numbers:
        store = CountingStore()
        store.fail_after = number
        with pytest.raises(RuntimeError, match="the power went"):
            frames_of(residency, clip(), chunks=store)
        store.fail_after = None
        assert np.array_equal(frames_of(residency, clip(), chunks=store), whole)
        assert store.made == numbers


def without_measures(tensors):
    """As one that was committed before there was a gate."""
    del tensors["seam_rows"], tensors["seam_places"]


def with_fewer_measures(tensors):
    """As one that was committed by a version that measured less."""
    tensors["seam_rows"] = tensors["seam_rows"][:, :-1]


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("earlier", [without_measures, with_fewer_measures])
def test_a_chunk_of_an_earlier_version_is_measured_again(residency, earlier):
    """Fails when the rows of a chunk are taken as they lie, whatever they measured: tried."""
    store = CountingStore()
    whole = frames_of(residency, clip(), chunks=store)
    for _, tensors in store._chunks.values():
        earlier(tensors)
    assert np.array_equal(frames_of(residency, clip(), chunks=store), whole)


def test_progress_never_falls_while_attempts_are_made(residency, strict):  # noqa: ARG001
    seen: list[float] = []
    frames_of(residency, clip(), report=lambda progress: seen.append(progress.fraction))
    assert seen == sorted(seen)


@pytest.mark.usefixtures("strict")
def test_report_plot_and_receipt_lie_beside_a_long_clip(residency, tmp_path):
    spec = resolve(clip(), residency.registry.get("tiny").rules)
    result = render(spec, RunContext(), tmp_path, residency)
    kinds = {file.kind: file for file in result.files}
    seams = json.loads(kinds["seams"].path.read_text())
    assert [joint["frames"] for joint in seams["joints"]][-1][1] == 37
    assert seams["num_frames"] == FRAMES
    assert {entry["attempt"] for entry in seams["repairs"]} >= {"first", "reroll"}
    assert kinds["seam_plot"].path.read_text().startswith("<svg")
    receipt = json.loads((tmp_path / "receipt.json").read_text())
    assert receipt["repairs"] == seams["repairs"]
    assert [it["verdict"] for it in receipt["seams"]["joints"]] == [it["verdict"] for it in seams["joints"]]


def test_a_short_clip_has_no_joints_and_no_report(residency, tmp_path):
    spec = resolve(
        TextToVideo(model="tiny", prompt="a red cat", seed=3, num_frames=9), residency.registry.get("tiny").rules
    )
    assert {file.kind for file in render(spec, RunContext(), tmp_path, residency).files} == {
        "video",
        "poster",
        "sprite_sheet",
        "receipt",
    }


@pytest.mark.parametrize("changed", [3, 5])
def test_a_joint_lies_where_the_decoder_shows_it(residency, changed):
    """The first frame that a latent changes is the first step of a joint that begins before it."""
    model = residency.model("tiny")
    latents = torch.randn(1, 16, 7, 4, 4, generator=torch.Generator().manual_seed(0))
    other = latents.clone()
    other[:, :, changed] += 3.0
    with torch.inference_mode():
        one, two = (torch.cat(list(model.decode(it)), 2) for it in (latents, other))
    differ = [n for n in range(one.shape[2]) if not torch.equal(one[:, :, n], two[:, :, n])]
    assert differ[0] == joint_at(changed - 1, changed).first == joint_at(changed - 1, changed).last
    assert joint_at(changed - 2, changed).last == differ[0]


def test_a_windows_series_is_that_of_its_own_frames(residency):
    model = residency.model("tiny")
    latents = torch.randn(1, 16, 7, 4, 4, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert len(measured(model, None, latents, RunContext())) == 25
        assert len(measured(model, latents[:, :, :2], latents[:, :, 2:], RunContext())) == 20


def test_what_lies_before_a_window_is_decoded_once_for_all_attempts(residency, monkeypatch):
    """Fails when the second attempt goes on from what the first one left: tried."""
    model, decoded = residency.model("tiny"), []
    first, other = torch.randn(2, 1, 16, 5, 4, 4, generator=torch.Generator().manual_seed(0))
    before = torch.randn(1, 16, 5, 4, 4, generator=torch.Generator().manual_seed(1))
    decode_on = type(model).decode_on

    def counted(self, so_far, latents):
        decoded.append(latents.shape[2])
        return decode_on(self, so_far, latents)

    monkeypatch.setattr(type(model), "decode_on", counted)
    with torch.inference_mode():
        run_up = RunUp(model, before, RunContext())
        seen = [run_up.measured(latents) for latents in (first, other, first)]
        frames = [to_uint8(pixels) for pixels in model.decode(torch.cat([before, first], 2))]
    assert decoded == [5, 5, 5, 5]
    meter = SeamMeter()
    for part in frames:
        meter.add(part)
    assert np.array_equal(seen[0].series.rows, meter.series().rows[17:])
    assert np.array_equal(seen[2].series.rows, seen[0].series.rows)
    assert not np.array_equal(seen[1].series.rows, seen[0].series.rows)
    assert np.array_equal(seen[2].last[-1], frames[-1][-1])


def test_matched_colours_lose_the_step_and_keep_the_picture():
    base = torch.randn(1, 16, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    latents = base.repeat(1, 1, 5, 1, 1)
    latents[:, :, 2:] += torch.linspace(-1, 1, 16).view(1, 16, 1, 1, 1)
    latents[:, :, 3, 2, 2] += 4.0
    matched = colour_matched(latents, 2)
    assert torch.equal(matched[:, :, 0], latents[:, :, 0])
    assert torch.allclose(matched[:, :, 2], base[:, :, 0], atol=1e-5)
    assert torch.allclose(matched[:, :, 3, 2, 2] - matched[:, :, 2, 2, 2], torch.tensor(4.0), atol=1e-5)


def test_attempts_have_numbers_and_seeds_of_their_own():
    assert attempt_number(7, 0) == 7
    assert len({attempt_number(n, attempt) for n in range(500) for attempt in range(10)}) == 5000
    seeds = {derived_seed(3, n, reroll) for n in range(50) for reroll in range(1, 4)}
    assert len(seeds) == 150
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_wider_window_takes_one_latent_frame_more_of_the_one_before():
    before, window = Window(1, 0, 0, 5, 10, 2), Window(2, 0, 0, 8, 13, 2)
    assert wider(window, before, 7) == Window(2, 0, 0, 7, 13, 3)
    assert wider(window, before, 5) is None
    assert wider(Window(2, 0, 0, 6, 11, 4), before, 7) is None


def test_a_clip_that_was_ended_early_recalls_its_own_length(residency, tmp_path):
    """Fails when the recipe is that of the whole clip: tried."""
    store, asked = CountingStore(), resolve(clip(rerolls=0), residency.registry.get("tiny").rules)
    for name in ("first", "again"):
        (tmp_path / name).mkdir()
    ended = render(asked, RunContext(chunks=store, stop_requested=lambda: True), tmp_path / "first", residency)
    recalled = recall(ended.video.path).spec
    again = render(recalled, RunContext(), tmp_path / "again", residency)
    assert ended.video.num_frames == again.video.num_frames == 25
    assert ended.video.path.read_bytes() == again.video.path.read_bytes()

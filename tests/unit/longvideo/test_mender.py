"""What is done about a joint that shows, on latents that any eye could decode: three channels are the colours."""

from functools import partial

import cv2
import numpy as np
import pytest
import torch

from vidgen.longvideo.chunk import Chunk
from vidgen.longvideo.gate import SeamGate, joint_ahead
from vidgen.longvideo.mender import Mender, Place
from vidgen.longvideo.order import Order
from vidgen.longvideo.planner import Window
from vidgen.longvideo.repair import derived_seed
from vidgen.quality.seams import Joint
from vidgen.quality.seams.report import MEASURES
from vidgen.quality.seams.thresholds import Threshold, Thresholds
from vidgen.runtime.context import RunContext

SEED, SPOILED = 3, 2
"""Chunk 2 is spoiled wherever it is made with the clip's own seed."""

WINDOWS = [Window(0, 0, 0, 0, 7, 0)] + [Window(n, 0, 0, 2 + 3 * n, 7 + 3 * n, 2) for n in range(1, 4)]


NOTHING_PASSES = Thresholds({name: Threshold(1e-9, 1.0) for name in MEASURES}, {})


PATTERN = torch.from_numpy(np.random.default_rng(0).normal(0, 0.3, (1, 16, 1, 16, 16))).float()


class PlainDecoder:
    """Every latent shows its first three channels, enlarged: one frame for the first, four for each other."""

    def decode(self, latents):
        for n in range(latents.shape[2]):
            colours = latents[0, :3, n].permute(1, 2, 0).numpy()
            frame = torch.from_numpy(cv2.resize(colours, (64, 64), interpolation=cv2.INTER_CUBIC)).permute(2, 0, 1)
            noise = torch.randn(1, 3, 1 if n == 0 else 4, 64, 64, generator=torch.Generator().manual_seed(n)) * 0.01
            yield frame[None, :, None] + noise


class Workshop:
    """Makes chunks of a pattern that hardly changes, and spoils one. Counts what it made."""

    def __init__(self, spoil, opens=()):
        self.spoil, self.opens, self.store, self.made = spoil, opens, {}, []
        self.base = PATTERN

    def commit(self, way):
        if way.ready is not None:
            latents = way.ready()
        else:
            window = way.order.window
            latents = self.base.repeat(1, 1, window.length, 1, 1)
            self.made.append((window.n, way.kind))
            if (window.n, way.order.seed) == (SPOILED, SEED):
                # shared latents are held to the carried ones, as in a real chunk
                free = torch.tensor([0.0] * (window.head - 1) + [0.5] + [1.0] * window.fresh).view(1, 1, -1, 1, 1)
                latents = torch.lerp(latents, self.spoil(latents), free)
        self.store[way.number] = latents
        chunk = Chunk.of(way.number, str(way.number), way.order.window, way.order.seed, way.order.prompt)
        return chunk, way.measure(latents).series

    def clip(self, rerolls=1):
        """The receipt's repairs."""
        told = []
        ctx = RunContext(note=lambda section, entry: told.append(entry) if section == "repairs" else None)
        mender = Mender(
            PlainDecoder(),
            ctx,
            SeamGate(lambda window: window.n in self.opens),
            self.commit,
            lambda chunk: self.store[chunk.number],
            rerolls=rerolls,
            longest=7,
        )
        before, stream = None, self.base[:, :, :0]
        for window in WINDOWS:
            earlier = partial(lambda so_far, position, count: so_far[:, :, max(0, position - count) : position], stream)
            place = Place(lambda it: Order(it, SEED, "a cat"), before, earlier)
            before = mender.joined(window, place, fixed=False)
            stream = torch.cat([stream[:, :, : before.window.start], self.store[before.number]], 2)
        return told


def tinted(latents, by=0.3):
    return latents + by * torch.tensor([1.0, 0.0, -1.0] + [0.0] * 13).view(1, 16, 1, 1, 1)


def other(latents):
    return latents.flip(3)


def test_a_clip_without_seams_costs_nothing_more():
    workshop = Workshop(lambda latents: latents)
    assert workshop.clip() == []
    assert workshop.made == [(n, "first") for n in range(4)]


def test_a_step_of_colour_is_matched_and_no_chunk_made_again():
    """Fails when the colours are matched to nothing: tried; then the chunk is made again."""
    workshop = Workshop(tinted)
    told = workshop.clip()
    assert [(it["chunk"], it["attempt"], it["kept"]) for it in told] == [
        (SPOILED, "first", False),
        (SPOILED, "colour match", True),
    ]
    assert "colour" in told[0]["failed"]
    assert told[1]["failed"] == []
    assert workshop.made == [(n, "first") for n in range(4)]


def test_the_colours_that_another_prompt_asks_for_are_left_alone():
    """Fails when `opens` is for the drift alone, as it was: then they are matched to those before."""
    slightly = partial(tinted, by=0.03)
    assert "colour" in Workshop(slightly).clip()[0]["failed"]
    assert Workshop(slightly, opens=(SPOILED, SPOILED + 1)).clip() == []


def test_a_step_where_a_clip_that_is_led_up_to_begins_is_seen():
    """Seven latents that do not have the clip's colours, and two of the clip's. Fails when the joint is taken to begin
    a latent later, as it was."""
    made, ahead = PATTERN.repeat(1, 1, 9, 1, 1), PATTERN.repeat(1, 1, 5, 1, 1)
    made[:, :, :7] = tinted(made[:, :, :7])
    window = Window(0, 0, 0, 0, 9, 0, 2)
    found = joint_ahead(PlainDecoder(), window, made, ahead, RunContext(), held=True)
    assert found.joint == Joint(25, 33)
    assert found.findings["colour"].frame == 25
    assert "colour" in found.failed


def test_other_content_is_made_again_with_another_seed():
    """Fails when the gate takes the first attempt whatever it measures: tried."""
    workshop = Workshop(other)
    told = workshop.clip()
    assert [it["attempt"] for it in told if it["attempt"] != "colour match"] == ["first", "wider blend", "reroll"]
    (kept,) = [it for it in told if it["kept"]]
    assert (kept["attempt"], kept["seed"], kept["failed"]) == ("reroll", derived_seed(SEED, SPOILED, 1), [])
    assert {it["chunk"] for it in told} == {SPOILED}


@pytest.mark.parametrize("rerolls", [1, 3])
def test_what_no_seed_repairs_ends_with_the_budget_and_keeps_the_best(rerolls, monkeypatch):
    workshop = Workshop(other)
    monkeypatch.setattr("vidgen.longvideo.mender.derived_seed", lambda *_: SEED)
    told = workshop.clip(rerolls)
    assert sum(it["attempt"] == "reroll" for it in told) == rerolls
    (kept,) = [it for it in told if it["kept"]]
    assert kept["score"] == min(it["score"] for it in told)
    assert kept["failed"]


def test_a_model_that_cannot_do_better_is_not_asked_for_ever(monkeypatch):
    """Fails when the joints that nothing repaired are not counted: tried."""
    monkeypatch.setattr("vidgen.quality.seams.report.calibrated", lambda: NOTHING_PASSES)
    told = Workshop(lambda latents: latents).clip()
    made_again = {it["chunk"] for it in told if it["attempt"] in ("wider blend", "reroll")}
    assert made_again == {1, 2}


def test_colours_that_matching_does_not_help_are_not_matched_for_ever(monkeypatch):
    """Fails when the matches that made nothing better are not counted: tried."""
    monkeypatch.setattr("vidgen.quality.seams.report.calibrated", lambda: NOTHING_PASSES)
    monkeypatch.setattr("vidgen.longvideo.mender.VAIN", 99)
    monkeypatch.setattr("vidgen.longvideo.mender.colour_matched", lambda latents, head: latents)  # noqa: ARG005
    told = Workshop(lambda latents: latents).clip()
    assert sum(it["attempt"] == "colour match" for it in told) == 2
    assert {it["chunk"] for it in told if it["attempt"] == "reroll"} == {1, 2, 3}

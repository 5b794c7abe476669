"""Where a clip may begin to look otherwise, and which colours a window is held to."""

from dataclasses import replace

import pytest
import torch

from vidgen.longvideo.chunk import Chunk
from vidgen.longvideo.joints import joints_of
from vidgen.longvideo.looks import Looks
from vidgen.longvideo.order import Settings
from vidgen.longvideo.orders import Orders
from vidgen.longvideo.planner import Span, Windows, plan
from vidgen.longvideo.script import Script
from vidgen.longvideo.streams import Streams
from vidgen.runtime.chunks import MemoryChunkStore
from vidgen.spec import Take

WINDOWS = plan([Span(25), Span(36)], Windows(7, 5, 2, 3))
"""Window 0 of the first prompt, three of the second, each with three new latent frames of its own."""
SCRIPT = Script(WINDOWS, ("blue", "green"), 3, Settings(32, 32, 1, 1.0, "", 1.0, 0.0))
GIVEN = torch.full((1, 16, 1, 4, 4), 9.0)


def begun(script: Script) -> list[int]:
    """The windows that may look otherwise; the report on the finished clip says the same of their joints."""
    looks = Looks(script)
    found = [window.n for window in WINDOWS if looks.begins_with(window)]
    chunks = [Chunk.of(it.n, "", it, 3, looks.prompt(it)) for it in WINDOWS]
    joints = list(joints_of([chunks], (1,), opens=looks.turns))
    assert [n for n, joint in enumerate(joints, 1) if joint.opens] == found
    return found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [1, 2]),
        ({"prompts": ("blue", "blue")}, []),
        ({"transitions": (0, 12 // 4)}, [1, 2]),
        ({"transitions": (0, 16 // 4)}, [1, 2, 3]),
        ({"takes": (Take(chunk=2, seed=5, prompt="red", then="remake"),)}, [1, 2, 3]),
    ],
    ids=["segment", "same words", "transition", "longer transition", "branch"],
)
def test_another_prompt_and_a_transition_may_change_the_colours(changes, expected):
    """Until the first window that begins with its own look. Fails when windows are compared by segment, and when the
    one after a window that turns to another prompt is judged as any other: as it was."""
    assert begun(replace(SCRIPT, **changes)) == expected


@pytest.mark.parametrize(
    ("changes", "held_to"),
    [
        ({}, [None, None, None, 2]),
        ({"reference": GIVEN}, ["given", None, None, 2]),
        ({"transitions": (0, 3)}, [None, None, None, 2]),
        ({"takes": (Take(chunk=2, seed=5, prompt="red", then="remake"),)}, [None, None, None, None]),
        ({"prompts": ("blue", "blue")}, [None, None, 1, 1]),
    ],
    ids=["segment", "extension", "transition", "branch", "same words"],
)
def test_colours_are_held_to_the_first_chunk_of_the_same_look(changes, held_to):
    """Fails when an extension holds all its segments to the clip that it goes on from, and a branch to what it left: as
    it was."""
    store, script, chunks = MemoryChunkStore(), replace(SCRIPT, **changes), {}
    orders = Orders(script, Streams(script, store))
    for window, expected in zip(WINDOWS, held_to, strict=True):
        order = orders.of(window, chunks)
        if expected is None:
            assert order.reference is None
        else:
            of_chunk = float(expected) if isinstance(expected, int) else 9.0
            assert torch.equal(order.reference, torch.full_like(order.reference, of_chunk))
        latents = torch.full((1, 16, window.length, 4, 4), float(window.n))
        store.commit(window.n, "made", {"latents": latents}, seed=3)
        chunks[window.n] = Chunk.of(window.n, "made", window, 3, order.prompt)

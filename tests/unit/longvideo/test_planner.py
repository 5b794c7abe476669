"""Windows cover every frame once, whatever the lengths; no model and no tensor is needed to say so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidgen.errors import SpecError
from vidgen.longvideo.planner import (
    CLOSING,
    GROUP,
    Span,
    Window,
    Windows,
    latent_frames,
    plan,
    plan_backward,
    plan_from_the_end,
    plan_loop,
)

SECTIONS = Windows(opening=37, later=28, overlap=19, overlap_max=19)
SPRITES = Windows(opening=7, later=5, overlap=2, overlap_max=3)


@st.composite
def sizes(draw):
    later = draw(st.integers(3, 24))
    overlap_max = draw(st.integers(1, later - 1))
    overlap = draw(st.integers(1, overlap_max))
    return Windows(draw(st.integers(later, 30)), later, overlap, overlap_max)


@st.composite
def storyboards(draw):
    spans = []
    for number in range(draw(st.integers(1, 6))):
        cut = draw(st.booleans())
        groups = draw(st.integers(1, 60))
        spans.append(Span(GROUP * groups + (1 if cut or number == 0 else 0), cut))
    return spans


def ends(window: Window) -> tuple[int, int]:
    return window.start, window.stop


def test_a_clip_of_one_window_is_one_window():
    assert plan([Span(25)], SPRITES) == (Window(0, 0, 0, 0, 7, 0),)


def test_the_first_window_takes_up_what_does_not_divide():
    assert [ends(window) for window in plan([Span(29)], SPRITES)] == [(0, 5), (3, 8)]
    assert [ends(window) for window in plan([Span(33)], SPRITES)] == [(0, 6), (4, 9)]
    assert [ends(window) for window in plan([Span(37)], SPRITES)] == [(0, 7), (5, 10)]


def test_a_change_of_prompt_falls_between_windows():
    windows = plan([Span(17), Span(20)], SPRITES)
    assert [(window.span, window.head, window.fresh) for window in windows] == [(0, 0, 5), (1, 3, 2), (1, 2, 3)]


def test_a_cut_begins_a_stream():
    windows = plan([Span(17), Span(9, cut=True)], SPRITES)
    assert windows == (Window(0, 0, 0, 0, 5, 0), Window(1, 1, 1, 0, 3, 0))


def test_an_extended_clip_begins_on_its_history():
    assert plan([Span(12)], SPRITES, history=5) == (Window(0, 0, 0, 3, 8, 2),)


@given(spans=storyboards(), sizes=sizes())
def test_every_latent_frame_is_made_once_and_in_order(spans, sizes):
    """Fails when the last window is dropped or the first is rounded down: tried."""
    windows = plan(spans, sizes)
    made: dict[int, int] = {}
    for window in windows:
        assert window.start + window.head == made.get(window.shot, 0)
        made[window.shot] = window.stop
    starts = [number for number, span in enumerate(spans) if number == 0 or span.cut]
    for shot, (first, after) in enumerate(zip(starts, [*starts[1:], len(spans)], strict=True)):
        assert made[shot] == latent_frames(sum(span.frames for span in spans[first:after]))
    assert [window.n for window in windows] == list(range(len(windows)))


@given(spans=storyboards(), sizes=sizes())
def test_no_window_is_too_long_or_shares_too_much(spans, sizes):
    for window in plan(spans, sizes):
        assert window.fresh >= 1
        if window.head == 0:
            assert window.length <= sizes.opening
        else:
            assert window.length <= sizes.later
            assert window.head <= sizes.overlap_max


@given(frames=st.integers(0, 400), sizes=sizes())
def test_all_windows_of_one_prompt_share_the_overlap_asked_for(frames, sizes):
    windows = plan([Span(4 * frames + 1)], sizes)
    assert {window.head for window in windows[1:]} <= {sizes.overlap}
    assert {window.length for window in windows[1:]} <= {sizes.later}


@given(spans=storyboards(), sizes=sizes())
def test_no_window_adds_frames_to_two_prompts(spans, sizes):
    windows = plan(spans, sizes)
    for number, span in enumerate(spans):
        opens = 1 if number == 0 or span.cut else 0
        fresh = sum(window.fresh for window in windows if window.span == number)
        assert GROUP * (fresh - opens) + opens == span.frames


@pytest.mark.parametrize("frames", [18, 0, -4])
def test_a_length_that_is_no_whole_number_of_groups_is_refused(frames):
    with pytest.raises(SpecError, match=r"segments\.0\.frames"):
        plan([Span(frames)], SPRITES)


@given(groups=st.integers(1, 100), future=st.integers(1, 20), sizes=sizes())
def test_what_goes_before_a_clip_is_made_once_from_the_clip_backward(groups, future, sizes):
    """Fails when the last window made shares nothing: tried."""
    frames = GROUP * groups + 1
    begin = latent_frames(frames)
    for window in plan_backward(frames, sizes, future=future):
        assert window.stop - window.tail == begin
        assert 1 <= window.tail <= sizes.overlap_max
        assert window.length <= max(sizes.later, sizes.opening)
        begin = window.start
    assert begin == 0


@given(lengths=st.lists(st.integers(3, 60), min_size=1, max_size=4), sizes=sizes())
def test_a_loop_ends_on_the_frame_it_began_with(lengths, sizes):
    """Its closing window goes from the last latent frames over the joint to frame 2."""
    *opened, closing = plan_loop([Span(GROUP * groups) for groups in lengths], sizes)
    assert closing.stop == sum(lengths) + 1 + CLOSING
    assert closing.tail == CLOSING
    assert closing.start + closing.head == opened[-1].stop
    assert closing.fresh >= 1
    made = 0
    for window in opened:
        assert window.start + window.head == made
        made = window.stop


@given(spans=storyboards(), sizes=sizes(), place=st.integers(2, 30))
def test_a_window_ends_on_every_picture_that_is_to_be_shown(spans, sizes, place):
    """Fails when the stops are left out of the plan: tried."""
    shots = [latent_frames(spans[0].frames)] if len(spans) == 1 else None
    windows = plan(spans, sizes, stops=[(0, place)])
    inside = place < max(window.stop for window in windows if window.shot == 0)
    assert not inside or place + 1 in {window.stop for window in windows if window.shot == 0}
    assert shots is None or windows[-1].stop == shots[0]


@given(st.lists(st.integers(1, 12), min_size=1, max_size=5))
def test_sections_are_made_from_the_end_and_each_sees_what_follows_it(lengths):
    """Fails when a section ends on more than there is, or the one that begins the stream is not the longest: tried."""
    spans = [Span(GROUP * 9 * sections + (number == 0)) for number, sections in enumerate(lengths)]
    windows, end = plan_from_the_end(spans, SECTIONS), 1 + 9 * sum(lengths)
    own = [range(window.start, window.stop - window.tail) for window in reversed(windows)]
    assert [frame for part in own for frame in part] == [*range(end)]
    assert [len(part) for part in own] == [10] + [9] * (sum(lengths) - 1)
    assert [window.n for window in windows] == [*range(len(own))]
    assert all(window.tail == min(19, end - (window.stop - window.tail)) for window in windows)
    assert sorted(window.span for window in windows) == [
        n for n, sections in enumerate(lengths) for _ in range(sections)
    ]

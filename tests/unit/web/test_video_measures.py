"""Seconds and sizes of the video API against models of several kinds."""

import pytest

from vidgen.errors import SpecError
from vidgen.spec import FrameRule, GuidanceRule, ModelRules, SideRule, StepRule
from vidgen_web.facade.measures import frames_of, seconds_of, sides_of


def rules(frames: FrameRule, fps: int = 8, most: int = 64) -> ModelRules:
    return ModelRules(
        tasks=("text-to-video",),
        frames=frames,
        sides=SideRule(min=64, max=most, multiple=16, default_width=64, default_height=64),
        steps=StepRule(min=1, max=100, default=8),
        guidance=GuidanceRule(min=1, max=8, default=3),
        fps=fps,
    )


IN_GROUPS = FrameRule(min=5, max=25, step=4, default=17)
SINGLE = FrameRule(min=8, max=80, step=1, default=16)
LARGE = FrameRule(min=9, max=257, step=8, default=97)


@pytest.mark.parametrize(
    ("rule", "fps", "seconds", "frames"),
    [
        (IN_GROUPS, 8, "2", 17),
        (IN_GROUPS, 8, "0.5", 5),
        (IN_GROUPS, 8, 3, 25),
        (IN_GROUPS, 4, "2", 9),
        (SINGLE, 8, "2", 16),
        (SINGLE, 8, "4", 32),
        (LARGE, 24, "4", 97),
        (LARGE, 24, "8", 193),
    ],
)
def test_lengths_become_frames_and_back(rule: FrameRule, fps: int, seconds: str | float, frames: int) -> None:
    assert frames_of(seconds, rules(rule), fps) == frames
    assert float(seconds_of(frames, fps, rule)) == float(seconds)


def test_the_customary_values_mean_the_default_only_where_the_model_cannot_do_them() -> None:
    """Fails when they are given to every model as its default: tried."""
    assert frames_of("4", rules(IN_GROUPS)) is None
    assert frames_of("4", rules(LARGE, fps=24)) == 97
    assert sides_of("720x1280", rules(IN_GROUPS)) is None
    assert sides_of("720x1280", rules(IN_GROUPS, most=1280)) == (720, 1280)
    assert (frames_of(None, rules(LARGE)), sides_of(None, rules(LARGE))) == (None, None)


@pytest.mark.parametrize(
    ("seconds", "nearest"), [("8", (3.0,)), ("1.7", (1.5, 2.0)), ("0", (0.5,)), ("99999", (3.0,)), ("4.0", (3.0,))]
)
def test_other_lengths_name_the_nearest(seconds: str, nearest: tuple[float, ...]) -> None:
    with pytest.raises(SpecError) as caught:
        frames_of(seconds, rules(IN_GROUPS))
    assert (caught.value.field, caught.value.nearest) == ("seconds", nearest)


@pytest.mark.parametrize("seconds", ["", "four", "-1", "1e3", "nan", "٤", "1/2", float("inf"), float("nan"), -2])
def test_what_is_no_length(seconds: str | float) -> None:
    with pytest.raises(SpecError, match="number of seconds"):
        frames_of(seconds, rules(IN_GROUPS))


@pytest.mark.parametrize("size", ["", "64", "64×64", "-64x64", "64x64x64", "999999x64", "1280x720"])
def test_other_sizes_are_refused(size: str) -> None:
    with pytest.raises(SpecError) as caught:
        sides_of(size, rules(IN_GROUPS))
    assert caught.value.field == "size"


def test_a_clip_of_a_model_that_is_gone_has_a_length() -> None:
    assert seconds_of(16, 8, None) == "2"

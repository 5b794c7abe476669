"""As many chunks are counted beforehand as are made."""

import pytest

from vidgen.families import animatediff, framepack, ltx, skyreels
from vidgen.longvideo.plan_of_spec import check_takes, chunks_of
from vidgen.pipelines.long_video import script_of
from vidgen.spec import JOB_SPEC, ModelRules, resolve
from vidgen.spec.rules import FrameRule, LongRule
from vidgen_models.registry import ModelRegistry

PICTURE = {"upload_id": "upl_x"}
STORY = [{"frames": 17}, {"frames": 24}, {"frames": 33, "cut": True}, {"frames": 8}]


@pytest.fixture(scope="module")
def rules() -> ModelRules:
    return ModelRegistry().get("sprites-64").rules


@pytest.mark.parametrize(
    "fields",
    [
        {"num_frames": 25},
        {"num_frames": 61},
        {"num_frames": 61, "long": {"overlap": 4}},
        {"num_frames": 61, "long": {"mode": "co_denoise"}},
        {"segments": STORY},
        {"segments": STORY, "keyframes": [{"image": PICTURE, "frame": at} for at in (8, 21, 60)]},
        {"num_frames": 60, "long": {"loop": True}},
        {"num_frames": 60, "long": {"loop": True}, "keyframes": [{"image": PICTURE, "frame": 30}]},
    ],
)
def test_chunks_are_counted_as_they_are_planned(rules: ModelRules, fields: dict[str, object]) -> None:
    """Fails when keyframes are left out of the count: tried."""
    spec = resolve(JOB_SPEC.validate_python({"task": "text-to-video", "prompt": "a cat", **fields}), rules)
    stills = {key.frame or 0: lambda _opens: None for key in spec.keyframes}
    assert chunks_of(spec, rules) == len(script_of(spec, stills=stills).windows)


@pytest.mark.parametrize(
    ("long", "frames", "group", "asked"),
    [
        (ltx.LONG, FrameRule(min=9, max=257, step=8, default=121), 8, 521),
        (animatediff.LONG, FrameRule(min=2, max=128, step=1, default=16), 1, 302),
        (framepack.LONG, FrameRule(min=37, max=145, step=36, default=145), 4, 361),
        (skyreels.LONG, FrameRule(min=17, max=97, step=4, default=97), 4, 197),
    ],
)
def test_chunks_of_a_familys_own_way_are_counted_as_they_are_planned(
    rules: ModelRules, long: LongRule, frames: FrameRule, group: int, asked: int
) -> None:
    """`group` is what its autoencoder says. Fails when it is four for all: tried."""
    own = rules.model_copy(update={"long": long, "frames": frames})
    spec = resolve(JOB_SPEC.validate_python({"task": "text-to-video", "num_frames": asked}), own)
    script = script_of(spec, group=group, from_the_end=long.from_the_end)
    assert chunks_of(spec, own) == len(script.windows) > 1


def test_takes_of_a_clip_of_one_window_need_no_plan(rules: ModelRules) -> None:
    check_takes(resolve(JOB_SPEC.validate_python({"task": "text-to-video"}), rules), rules)

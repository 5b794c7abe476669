"""Steps one after the other: what the spec promises, the record of what each gave, and refusals."""

from fractions import Fraction

import numpy as np
import pytest

from tests.unit.post.scenes import disc
from vidgen.errors import SpecError
from vidgen.post.chain import Chain, Tools
from vidgen.spec.clip_shape import ClipShape, rate
from vidgen.spec.post import RemoveBackground, Sharpen, Watermark, shapes_after

CLIP = ClipShape(64, 64, 5, Fraction(8))
TOOLS = Tools(media={})
STEPS = (Sharpen(), RemoveBackground(), Watermark(text="v"))


def test_a_chain_gives_what_the_spec_promises_and_logs_it():
    frames, _ = disc(5)
    first, second = (Chain(STEPS, CLIP, TOOLS) for _ in range(2))
    out = np.concatenate(list(first.through(iter([frames]))))
    assert (first.result.alpha, out.shape) == (True, (5, 64, 64, 4))
    log = first.log()
    assert [(it["step"], it["gave"]["frames"]) for it in log] == [
        ("sharpen", 5),
        ("remove-background", 5),
        ("watermark", 5),
    ]
    # the same frames, however they come, give the same record
    for _ in second.through(iter([frames[:2], frames[2:]])):
        pass
    assert second.log() == log
    assert len({it["gave"]["sha256"] for it in log}) == 3


def test_what_cannot_be_is_refused_by_the_name_of_its_field():
    with pytest.raises(SpecError, match="give text or image") as refused:
        shapes_after((Sharpen(), Watermark()), CLIP)
    assert refused.value.field == "post.1"
    assert rate(29.97) == Fraction(30000, 1001)
    assert rate(12.5) == Fraction(25, 2)

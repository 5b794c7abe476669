"""Guidance that changes over the steps, on families whose pipelines know one scale for a run."""

from typing import Any

import pytest

from tests.tiny_families import animatediff, cogvideox, latte, ltx, mochi, skyreels, wan
from tests.unit.families.conftest import distance

# of the libraries: schedulers that turn tensors into numpy arrays, and Mochi's autocast to float32
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:In CPU autocast:UserWarning"),
]
CASES = [family.CASES[0] for family in (wan, ltx, cogvideox, animatediff, mochi, skyreels, latte)]
CASES += [case for case in wan.CASES if case.name in ("wan-2.1-v2v", "wan-2.2-i2v")]
STEPS = {"num_inference_steps": 4, "guidance_scale": 5.0}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_guidance_begins_ends_and_falls_as_asked(case, tiny_of):
    """None at any step is no guidance, all of it is the usual. Fails when the pipeline keeps the first scale."""
    tiny = tiny_of(case)

    def frames(**advanced: Any) -> Any:
        return tiny.frames(**STEPS, advanced=advanced or None)

    whole = frames()
    assert (frames(guidance_from=0.0, guidance_until=1.0) == whole).all()
    unguided = tiny.frames(num_inference_steps=4, guidance_scale=1.0)
    assert distance(unguided, whole) > 0
    assert distance(frames(guidance_until=0.0), unguided) < 0.02
    falling, half = frames(guidance_schedule="falling"), frames(guidance_until=0.5)
    for turned in (falling, half):
        assert min(distance(turned, whole), distance(turned, unguided)) > 0


@pytest.mark.parametrize("case", [wan.CASES[0], wan.CASES[4]], ids=lambda case: case.name)
def test_steps_without_guidance_run_no_unconditional_pass(case, tiny_of, monkeypatch):
    """Of four steps two are guided: six predictions. Fails when every step is asked for both."""
    tiny, ran = tiny_of(case), list[int]()
    for network in tiny.residency.model("tiny-family").denoisers():
        plain = network.forward
        monkeypatch.setattr(
            network, "forward", lambda *given, plain=plain, **named: ran.append(1) or plain(*given, **named)
        )
    for advanced, predictions in ((None, 8), ({"guidance_until": 0.5}, 6), ({"guidance_from": 0.5}, 6)):
        ran.clear()
        tiny.frames(**STEPS, advanced=advanced)
        assert len(ran) == predictions, advanced

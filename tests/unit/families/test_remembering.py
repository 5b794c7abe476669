"""What was encoded for one job is not encoded for the next: prompts, pictures, clips, in a memory of bounded size."""

from typing import Any

import numpy as np
import pytest
import torch

from tests.tiny_families import animatediff, cogvideox, hunyuan_video, ltx, stable_video_diffusion, wan
from tests.unit.families.conftest import CHANGES
from vidgen.families.remembering import ENCODERS
from vidgen.pipelines import Residency
from vidgen.pipelines.factory import pipeline_for
from vidgen.runtime.context import RunContext
from vidgen.runtime.kept_results import KeptResults, content_key
from vidgen.spec import TextToVideo, resolve

# of the libraries: a scheduler that turns tensors into numpy arrays
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
FAMILIES = (wan, ltx, cogvideox, animatediff, hunyuan_video, stable_video_diffusion)
CASES = [family.CASES[0] for family in FAMILIES]
CASES += [case for case in wan.CASES if case.name in ("wan-2.1-i2v", "wan-2.1-v2v")]


class Counted:
    """How often each encoder of a model worked."""

    def __init__(self, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        for name, method in ENCODERS.items():
            if model.parts.get(name) is not None:
                monkeypatch.setattr(model.parts[name], method, self._counting(name, getattr(model.parts[name], method)))

    def _counting(self, name: str, encode: Any) -> Any:
        def counting(*positional: Any, **named: Any) -> Any:
            self.calls.append(name)
            return encode(*positional, **named)

        return counting


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_second_job_encodes_nothing_and_makes_the_same_frames(case, tiny_of, monkeypatch):
    """Fails when nothing is kept, or a prompt is not in the key."""
    tiny = tiny_of(case)
    model = tiny.residency.model("tiny-family")
    model.kept = KeptResults()
    counted = Counted(model, monkeypatch)
    first = tiny.frames()
    assert counted.calls
    assert model.kept.total_bytes > 0
    counted.calls.clear()
    assert (tiny.frames() == first).all()
    assert not counted.calls
    changed = "prompt" if tiny.manifest.rules.prompt else "image"
    assert (tiny.frames(**CHANGES[changed]) != first).any()
    assert counted.calls


def test_wan_vace_remembers_prompts_and_pixels(tiny_registry, monkeypatch):
    """Fails when the text encoder works again for the same prompt."""
    residency = Residency(tiny_registry)
    model: Any = residency.model("tiny")
    spec = resolve(TextToVideo(model="tiny", prompt="a red cat", seed=3), tiny_registry.get("tiny").rules)
    seen = []
    plain = model.text_encoder.forward
    monkeypatch.setattr(model.text_encoder, "forward", lambda *given, **named: seen.append(1) or plain(*given, **named))

    def made() -> np.ndarray:
        with torch.inference_mode():
            return np.concatenate(list(pipeline_for(spec.task, model)(spec, RunContext())))

    first = made()
    assert len(seen) == 1
    assert (made() == first).all()
    assert len(seen) == 1
    pixels = torch.rand(1, 3, 5, 32, 32)
    with torch.inference_mode():
        once = model.encode_pixels(pixels)
        monkeypatch.setattr(model.vae, "encode", None)
        assert (model.encode_pixels(pixels) == once).all()


def test_memory_is_bounded_and_what_was_used_longest_ago_goes_first():
    kept = KeptResults(most_bytes=3000)
    made = []

    def result(name: str) -> torch.Tensor:
        return kept.get(name, lambda: made.append(name) or torch.ones(250))  # of 1000 bytes

    for name in ("a", "b", "c", "a", "d", "a", "b"):
        result(name)
    assert made == ["a", "b", "c", "d", "b"]
    assert (len(kept), kept.total_bytes) == (3, 3000)
    kept.get("large", lambda: torch.ones(1000))
    assert kept.total_bytes == 3000
    # whoever changes what was given changes a copy
    result("a").zero_()
    assert result("a").sum() == 250


def test_keys_differ_by_values_shapes_and_kinds():
    values = torch.arange(4.0)
    keys = {content_key(values), content_key(values[None]), content_key(values.bfloat16()), content_key(-values)}
    keys |= {content_key([values], {"a": 1}), content_key([values], {"a": 2}), content_key(values[:2], values[2:])}
    assert len(keys) == 7
    assert content_key({"a": values}) == content_key({"a": values.clone()})

"""Prompts for parts of the frame on families whose pipelines know one prompt."""

from dataclasses import replace
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from tests.tiny_families import cogvideox, skyreels, wan
from tests.unit.families.conftest import distance
from tests.unit.longvideo.rendering import CountingStore
from vidgen.families.region_judge import RegionJudge
from vidgen.media.writer import write_video
from vidgen.pipelines import whole_clip
from vidgen.runtime.context import RunContext
from vidgen.runtime.verdict import Verdict
from vidgen.stages.clip_model import PaintedRegion

CASES = [family.CASES[0] for family in (wan, cogvideox, skyreels)]
CASES += [case for case in wan.CASES if case.name in ("wan-2.1-v2v", "wan-2.2-i2v")]
OTHER = "the green dog spins slowly"
GUIDED = {"guidance_scale": 5.0}


def region(right: float = 1.0) -> dict[str, Any]:
    """The left part of the frame, up to `right` of its width."""
    return {"box": {"left": 0, "top": 0, "right": right, "bottom": 1}, "prompt": OTHER, "feather": 0.0}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_region_follows_its_own_prompt(case, tiny_of):
    """Over the whole frame it is the prompt itself. Fails when regions are left out, or reach the other half."""
    tiny = tiny_of(case)
    plain, other = tiny.frames(**GUIDED), tiny.frames(**GUIDED, prompt=OTHER)
    assert distance(plain, other) > 0
    assert distance(tiny.frames(**GUIDED, regions=[region()]), other) < 0.01
    assert (tiny.frames(**GUIDED) == plain).all()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_after_one_step_each_place_is_as_its_prompt_has_it(case, tiny_of):
    """In the latents, which later steps would mix. Fails when the parts are laid over the wrong axes."""
    tiny = tiny_of(case)
    model: Any = tiny.residency.model("tiny-family")
    steps = 2 if case.task == "video-to-video" else 1  # of which a restyle makes the last

    def latents(**changes: Any) -> Any:
        spec = tiny.spec(**GUIDED, num_inference_steps=steps, **changes)
        with torch.inference_mode():
            return model.generate(whole_clip._request(spec, RunContext(media=tiny.media)), lambda *_: None)

    plain, other, half = latents(), latents(prompt=OTHER), latents(regions=[region(0.5)])
    middle = half.shape[-1] // 2
    assert not torch.allclose(plain, other, atol=1e-4)
    assert torch.allclose(half[..., :middle], other[..., :middle], atol=1e-4)
    assert torch.allclose(half[..., middle:], plain[..., middle:], atol=1e-4)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_network_says_what_a_region_shows_and_asking_changes_nothing(case, tiny_of):
    """In all its places and in all others; of the clip's own prompt it says that neither does better. Fails when all is
    told of one prompt: tried (0 for both)."""
    tiny = tiny_of(case)
    model: Any = tiny.residency.model("tiny-family")

    def made(prompt: str, **more: Any) -> tuple[Any, list[Verdict]]:
        said: list[Verdict] = []
        spec = tiny.spec(**GUIDED, num_inference_steps=4, regions=[{**region(0.5), "prompt": prompt}])
        request = whole_clip._request(spec, RunContext(media=tiny.media))
        with torch.inference_mode():
            return model.generate(replace(request, on_verdict=said.append) if more else request, lambda *_: None), said

    latents, said = made(OTHER, asked=True)
    assert torch.equal(latents, made(OTHER)[0])
    (other,), (own,) = said, made(tiny.spec().prompt, asked=True)[1]
    assert other.field == "regions.0"
    for errors in (other.inside, other.outside):
        assert errors.own > 0
        assert errors.preference != 0
    assert own.inside.preference == pytest.approx(0, abs=1e-6)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_each_window_of_a_long_clip_is_judged_when_it_is_made(tiny_of):
    """And not again where another run made it."""
    tiny, store = tiny_of(skyreels.CASES[0]), CountingStore()
    asked = {"num_frames": 177, "num_inference_steps": 1, "long": {"rerolls": 0}, "regions": [region(0.5)]}

    def told() -> list[str]:
        said: list[Verdict] = []
        tiny.frames(RunContext(media=tiny.media, chunks=store, on_verdict=said.append), **asked)
        return [verdict.field for verdict in said]

    assert told() == 2 * ["regions.0"]
    assert told() == []


class Knowing:
    """A network that estimates the clip `clean` perfectly where it is told of `knows`, and nothing where it is not.
    Outside of `columns` it is so of `beyond`."""

    def __init__(
        self,
        clean: torch.Tensor,
        knows: torch.Tensor,
        beyond: torch.Tensor | None = None,
        columns: slice = slice(None),
    ) -> None:
        self.clean, self.knows, self.beyond, self.columns = clean, knows, beyond, columns

    def __call__(self, *, hidden_states: Any, timestep: Any, encoder_hidden_states: Any, **_: Any) -> tuple[Any]:
        flow = (hidden_states - self.clean) / (timestep.max() / 1000)
        return (torch.where(self._told(encoder_hidden_states, flow), flow, torch.zeros_like(flow)),)

    def _told(self, texts: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
        def rows(text: torch.Tensor) -> torch.Tensor:
            return torch.stack([(row == text[0]).all() for row in texts]).view(-1, 1, 1, 1, 1)

        told = torch.zeros_like(flow, dtype=torch.bool) if self.beyond is None else rows(self.beyond).expand_as(flow)
        told = told.clone()
        told[..., self.columns] = rows(self.knows)
        return told


def test_the_prompt_that_the_network_knows_the_clip_by_wins():
    """1 where the region's does, -1 where the clip's own does; in a batch of two, of which the second has the prompt.
    Fails when the noise level is another than that of the call: tried."""
    clean, own, text = torch.randn(1, 4, 3, 4, 4), torch.ones(1, 2, 2), torch.zeros(1, 2, 2)
    left = painted(slice(0, 4))
    for knows, expected in ((text, 1.0), (own, -1.0)):
        (verdict,) = said_of(clean, own, Knowing(clean, knows), [(left, 1.0, text)])
        assert verdict.inside.preference == pytest.approx(expected, abs=1e-4)
        assert verdict.outside.preference == pytest.approx(expected, abs=1e-4)


def test_regions_are_judged_where_they_alone_count():
    """A network that knows the left half by the prompt of a region there, and the rest by the clip's own.

    Above a region of the whole frame lies that of the left half: of the first the right half counts, unless the other
    has no weight.

    Fails when places are those of the whole frame, and when the later region's are the earlier one's, too: tried.
    """
    clean, own, text = torch.randn(1, 4, 3, 4, 4), torch.ones(1, 2, 2), torch.zeros(1, 2, 2)
    left, all_of_it = painted(slice(0, 4)), painted(slice(0, 8))
    network = Knowing(clean, text, own, slice(0, 2))
    (alone,) = said_of(clean, own, network, [(left, 1.0, text)])
    assert alone.inside.preference == pytest.approx(1, abs=1e-4)
    assert alone.outside.preference == pytest.approx(-1, abs=1e-4)
    under, above = said_of(clean, own, network, [(all_of_it, 1.0, text), (left, 1.0, text)])
    assert under.inside.preference == pytest.approx(-1, abs=1e-4)
    assert under.outside.preference is None
    assert above == alone
    under, above = said_of(clean, own, network, [(all_of_it, 1.0, text), (left, 0.0, text)])
    assert under.inside.own == pytest.approx(alone.inside.own + alone.outside.own, rel=1e-4)
    assert above == alone


def painted(columns: slice) -> torch.Tensor:
    shares = torch.zeros(1, 1, 1, 8, 8)
    shares[..., columns] = 1.0
    return shares


def said_of(
    clean: torch.Tensor, own: torch.Tensor, network: Any, regions: list[tuple[torch.Tensor, float, torch.Tensor]]
) -> list[Verdict]:
    """Of a clip that was made in three calls; `regions` have their places, weight and text."""
    asked = [PaintedRegion("", shares, weight, field="regions") for shares, weight, _ in regions]
    judge = RegionJudge(diffusers.FlowMatchEulerDiscreteScheduler(), asked, 2, 7)
    other = regions[0][2]
    for level in (990.0, 860.0, 500.0):
        named = {"hidden_states": torch.randn(2, 4, 3, 4, 4), "timestep": torch.tensor([level, level])}
        judge.saw(network, {**named, "encoder_hidden_states": torch.cat([other, own])}, 1)
    return judge.verdicts(clean, own, [text for *_, text in regions])


def test_words_of_a_region_may_have_weights(tiny_of):
    tiny = tiny_of(wan.CASES[0])
    box = {"left": 0, "top": 0, "right": 1, "bottom": 1}

    def frames(prompt: str) -> np.ndarray:
        return tiny.frames(regions=[{"box": box, "prompt": prompt, "feather": 0.0}])

    assert distance(frames("a (green:2.0) dog"), frames("a green dog")) > 0
    assert distance(frames("a (green:1.0) dog"), frames("a green dog")) < 0.01


def test_a_mask_clip_is_followed_through_the_clip(tiny_of, tmp_path):
    """White on the last frames alone. Fails when the mask is taken for a still."""
    tiny = tiny_of(wan.CASES[0])
    mask = np.zeros((9, 32, 32, 3), np.uint8)
    mask[5:] = 255
    clip = write_video([mask], tmp_path / "mask.mp4", fps=16).path
    ctx = RunContext(media=tiny.media | {"upl_mask": clip})

    def change(**region: Any) -> np.ndarray:
        regions = [{"prompt": OTHER, "feather": 0.0, **region}]
        return np.abs(tiny.frames(ctx, **GUIDED, regions=regions).astype(int) - tiny.frames(**GUIDED)).mean((1, 2, 3))

    late, always = change(media={"upload_id": "upl_mask"}), change(box={"left": 0, "top": 0, "right": 1, "bottom": 1})
    assert late.mean() > 0
    assert np.abs(late - always).mean() > 0

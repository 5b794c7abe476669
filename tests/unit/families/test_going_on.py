"""Families that go on from their own latents, on tiny checkpoints of their classes: long clips in native windows."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.tiny_families import ltx, skyreels
from tests.unit.longvideo.rendering import CountingStore
from vidgen.errors import SpecError
from vidgen.families.tiled_decoding import in_tiles
from vidgen.pipelines import whole_clip
from vidgen.runtime.context import RunContext
from vidgen.spec import LongFields, Segment, Take
from vidgen.stages.clip_model import ClipRequest

# of the library: its scheduler turns tensors into numpy arrays
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

FRAMES = 177
"""Two windows of 25 latent frames, of which they share 5: frames 0 to 96, and from 81 on."""
SHARED = 5


@pytest.fixture
def tiny(tiny_of):
    return tiny_of(skyreels.CASES[0])


def clip(tiny, store=None, stop=None, **fields) -> np.ndarray:
    ctx = RunContext(media=tiny.media, chunks=store or CountingStore(), stop_requested=stop or (lambda: False))
    return tiny.frames(ctx, **{"num_frames": FRAMES, "num_inference_steps": 1, "long": {"rerolls": 0}} | fields)


def chunks(store: CountingStore) -> list[torch.Tensor]:
    return [tensors["latents"] for _, (_, tensors) in sorted(store._chunks.items())]


def test_its_frames_are_those_of_the_librarys_own_long_call(tiny, monkeypatch):
    """One generator for all windows and no noise on what is given, as there. Fails when the window does not begin with
    the latents of the one before, or with more or fewer of them: tried."""
    spec = tiny.spec(num_frames=FRAMES, long={"condition_noise": 0.0, "rerolls": 0})
    model, generators = tiny.residency.model(tiny.manifest.id), [torch.Generator().manual_seed(3) for _ in range(2)]
    request = whole_clip._request(spec, RunContext(media=tiny.media))
    with torch.inference_mode():
        pipeline = model.pipeline(request)
        theirs = pipeline(
            **model.arguments(request),
            num_inference_steps=2,
            generator=generators[0],
            output_type="latent",
            overlap_history=4 * (SHARED - 1) + 1,
            base_num_frames=97,
        ).frames
    monkeypatch.setattr(ClipRequest, "generator", lambda _: generators[1])
    store = CountingStore()
    clip(tiny, store, num_inference_steps=2, long={"condition_noise": 0.0, "rerolls": 0})
    first, second = chunks(store)
    assert torch.equal(second[:, :, :SHARED], first[:, :, -SHARED:])
    ours = torch.cat([first, second[:, :, SHARED:]], 2)
    assert ours.shape == theirs.shape
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_each_window_follows_from_the_one_before_and_a_run_that_died_goes_on(tiny):
    """Fails when the noise of a window depends on what was drawn before it: tried."""
    whole, store = clip(tiny), CountingStore()
    assert len(whole) == FRAMES
    store.fail_after = 0
    with pytest.raises(RuntimeError, match="the power went"):
        clip(tiny, store)
    store.fail_after = None
    torch.rand(1)  # as others in the process do
    assert np.array_equal(clip(tiny, store), whole)
    assert store.made == [0, 1]
    branch = LongFields(rerolls=0, takes=(Take(chunk=1, seed=9, then="remake"),))
    other = clip(tiny, store, long=branch)
    assert store.made == [0, 1, 1]
    assert np.array_equal(other[:97], whole[:97])
    assert not np.array_equal(other, whole)


def test_prompts_over_time_early_ends_and_what_is_refused(tiny):
    parts = [Segment(prompt="a red cat", frames=97), Segment(prompt="the green dog spins slowly", frames=80)]
    told = clip(tiny, num_frames=None, segments=tuple(parts))
    assert np.array_equal(told[:97], clip(tiny)[:97])
    assert not np.array_equal(told, clip(tiny))
    assert len(clip(tiny, stop=lambda: True)) == 97
    for fields, message in (
        ({"long": LongFields(takes=(Take(chunk=0, seed=1),))}, "then=keep"),
        ({"long": LongFields(mode="chain")}, "offers native"),
        ({"num_frames": 176, "long": LongFields(loop=True)}, "goes forward only"),
    ):
        with pytest.raises(SpecError, match=message):
            tiny.spec(**{"num_frames": FRAMES} | fields)


def test_windows_of_ltx_begin_with_latents_that_stay_as_they_are(tiny_of):
    """Groups of 8 frames; two windows of 32 and 15 latent frames that share 3. Fails when the network is not given
    them: tried."""
    (case,) = (it for it in ltx.CASES if it.name == "ltx-condition-t2v")
    tiny, frames = tiny_of(case), 345
    whole, store = clip(tiny, num_frames=frames), CountingStore()
    assert len(whole) == frames
    store.fail_after = 0
    with pytest.raises(RuntimeError, match="the power went"):
        clip(tiny, store, num_frames=frames)
    store.fail_after = None
    assert np.array_equal(clip(tiny, store, num_frames=frames), whole)
    first, second = chunks(store)
    assert (first.shape[2], second.shape[2]) == (32, 15)
    assert torch.equal(second[:, :, :3], first[:, :, -3:])
    model, ctx = tiny.residency.model(tiny.manifest.id), RunContext(media=tiny.media)
    request = replace(whole_clip._request(tiny.spec(num_frames=113), ctx), num_frames=113)
    with torch.inference_mode():
        made = [
            model.generate(replace(request, head=head), lambda *_: None) for head in first.split([3, 26, 3], 2)[::2]
        ]
    # the same noise after other latents
    assert not torch.allclose(made[0][:, :, 3:], made[1][:, :, 3:], atol=1e-3)


@pytest.mark.parametrize(
    ("name", "field"),
    [("ltx-condition-v2v", "video"), ("ltx-condition-i2v", "last_image")],
    ids=["video", "last_image"],
)
def test_what_leads_a_whole_clip_is_refused_in_a_long_one(tiny_of, name, field):
    (case,) = (it for it in ltx.CASES if it.name == name)
    with pytest.raises(SpecError) as caught:
        tiny_of(case).spec(num_frames=345)
    assert caught.value.field == field


@pytest.mark.parametrize("sizes", [[9], [4, 5], [1] * 9])
def test_tiles_join_without_a_step(sizes):
    """Fails when a tile's first frame is laid over the wrong frame of the tile before: tried."""

    def decode(latents: torch.Tensor, first: int) -> torch.Tensor:
        count = 8 * (latents.shape[2] - 1) + 1
        return torch.arange(8 * first, 8 * first + count).float().view(1, 1, -1, 1, 1)

    made = list(in_tiles(torch.zeros(1, 4, 9, 1, 1).split(sizes, 2), decode, tile=4, overlap=2, group=8))
    assert torch.equal(torch.cat(made, 2).flatten(), torch.arange(65).float())
    assert max(part.shape[2] for part in made) <= 25

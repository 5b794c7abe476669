"""Families that go on from their own latents, on tiny checkpoints of their classes: long clips in native windows."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.tiny_families import animatediff, framepack, ltx, skyreels
from tests.unit.longvideo.rendering import CountingStore
from tests.unit.longvideo.test_mender import NOTHING_PASSES
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
        ({"num_frames": 176, "long": LongFields(loop=True)}, "goes in one direction only"),
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


def test_a_long_clip_of_ltx_ends_on_its_last_picture_and_follows_no_source(tiny_of):
    """Fails when the window is given the picture at its first frame, or every window is: tried."""
    case, restyle = (next(it for it in ltx.CASES if it.name == f"ltx-condition-{name}") for name in ("i2v", "v2v"))
    with pytest.raises(SpecError) as caught:
        tiny_of(restyle).spec(num_frames=345)
    assert caught.value.field == "video"
    tiny, stores = tiny_of(case), [CountingStore() for _ in range(2)]
    ends = ({"upload_id": "upl_last"}, {"upload_id": "upl_other"})
    for store, end in zip(stores, ends, strict=True):
        clip(tiny, store, num_frames=345, last_image=end)
    (first, second), (same, other) = map(chunks, stores)
    assert torch.equal(first, same)
    assert not torch.allclose(second[:, :, -1], other[:, :, -1], atol=1e-3)


def test_a_shot_after_a_cut_knows_nothing_of_the_first_picture(tiny_of):
    """Fails when every window that begins a stream is given it: tried."""
    (case,) = (it for it in ltx.CASES if it.name == "ltx-condition-i2v")
    tiny, stores = tiny_of(case), [CountingStore() for _ in range(2)]
    shots = tuple(Segment(prompt="a red cat", frames=9, cut=number > 0) for number in range(2))
    for store, image in zip(stores, ("upl_image", "upl_other"), strict=True):
        clip(tiny, store, num_frames=None, segments=shots, image={"upload_id": image}, last_image=None)
    (first, second), (other, same) = map(chunks, stores)
    assert not torch.equal(first, other)
    assert torch.equal(second, same)


SECTIONS = 5


@pytest.fixture
def pack(tiny_of):
    return tiny_of(framepack.CASES[0])


def packed(tiny, store=None, stop=None, **fields) -> np.ndarray:
    return clip(tiny, store, stop, **{"num_frames": 36 * SECTIONS + 1} | fields)


def test_sections_of_framepack_are_those_of_the_librarys_own_long_call(pack, monkeypatch):
    """Fails when a section sees what follows it in another order, or thinks its picture nearer or farther: tried."""
    asked = {"last_image": {"upload_id": "upl_last"}, "num_inference_steps": 2}
    spec, model = pack.spec(num_frames=36 * SECTIONS + 1, **asked), pack.residency.model(pack.manifest.id)
    request = whole_clip._request(spec, RunContext(media=pack.media))
    with torch.inference_mode():
        theirs = model.pipeline(request)(
            **model.arguments(request),
            num_inference_steps=2,
            generator=request.generator(),
            output_type="latent",
        ).frames[-1]
    noise = request.generator()
    for _ in range(2):  # what the library draws for its two pictures
        torch.randn(theirs[:, :, :1].shape, generator=noise)
    monkeypatch.setattr(ClipRequest, "generator", lambda _: noise)
    store = CountingStore()
    packed(pack, store, **asked)
    made = chunks(store)
    ours = torch.cat([part[:, :, : 9 + (n == SECTIONS - 1)] for n, part in enumerate(made)][::-1], 2)
    assert ours.shape == theirs.shape
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_a_clip_of_framepack_is_resumed_retaken_and_ended_early(pack):
    """Fails when the picture is not part of what names a chunk, or the noise of a section depends on others: tried."""
    whole, store = packed(pack), CountingStore()
    assert len(whole) == 36 * SECTIONS + 1
    store.fail_after = 2
    with pytest.raises(RuntimeError, match="the power went"):
        packed(pack, store)
    store.fail_after = None
    assert np.array_equal(packed(pack, store), whole)
    assert store.made == [0, 1, 2, 3, 4]
    branch = packed(pack, store, long=LongFields(rerolls=0, takes=(Take(chunk=3, seed=9, then="remake"),)))
    assert store.made == [0, 1, 2, 3, 4, 3, 4]
    # chunk 3 is the second section of the clip, chunk 4 the first one; decoded sections are faded over 33 frames
    assert np.array_equal(branch[-72:], whole[-72:])
    assert not np.array_equal(branch[:72], whole[:72])
    assert len(packed(pack, stop=lambda: True)) == 33
    packed(pack, store, image={"upload_id": "upl_other"})
    assert store.made[7:] == [0, 1, 2, 3, 4]
    parts = [Segment(prompt="a red cat", frames=37), Segment(prompt="the green dog spins slowly", frames=144)]
    told = packed(pack, num_frames=None, segments=tuple(parts))
    assert told.shape == whole.shape
    assert not np.array_equal(told, whole)
    with pytest.raises(SpecError, match="makes one shot") as caught:
        pack.spec(num_frames=None, segments=(parts[0], Segment(prompt="a", frames=145, cut=True)))
    assert caught.value.field == "segments.1.cut"


def test_joints_of_sections_that_show_are_tried_again(pack, monkeypatch):
    """Fails when no section is measured with what follows it: tried."""
    monkeypatch.setattr("vidgen.quality.seams.report.calibrated", lambda: NOTHING_PASSES)
    told = []
    ctx = RunContext(
        media=pack.media, chunks=CountingStore(), note=lambda section, entry: told.append((section, entry))
    )
    pack.frames(ctx, num_frames=36 * SECTIONS + 1, num_inference_steps=1, long={"rerolls": 1})
    assert {entry["chunk"] for section, entry in told if section == "repairs"} == {1, 2, 3, 4}
    joints = [entry["frames"] for section, entry in told if section == "joints"]
    assert joints == [[at, at] for at in (37, 73, 109, 145)]


def test_pieces_of_animatediff_share_one_noise_and_what_they_begin_with(tiny_of):
    """14 frames are FreeNoise's one piece; of 176 the second piece begins with 16 frames of the first. Fails when they
    are not held, or each piece draws noise of its own: tried."""
    (case,) = (it for it in animatediff.CASES if it.name == "animatediff-long")
    tiny, frames, store = tiny_of(case), 176, CountingStore()
    whole = clip(tiny, num_frames=frames)
    assert len(whole) == frames
    store.fail_after = 0
    with pytest.raises(RuntimeError, match="the power went"):
        clip(tiny, store, num_frames=frames)
    store.fail_after = None
    assert np.array_equal(clip(tiny, store, num_frames=frames), whole)
    first, second = chunks(store)
    assert (first.shape[2], second.shape[2]) == (128, 64)
    assert torch.equal(second[:, :, :16], first[:, :, -16:])
    model, asked = (
        tiny.residency.model(tiny.manifest.id),
        whole_clip._request(tiny.spec(num_frames=frames), RunContext(media=tiny.media)),
    )
    noise = model._noise(replace(asked, place=0))
    assert torch.equal(model._noise(replace(asked, place=112, num_frames=64)), noise[:, :, 112:])
    early, late = noise[0, 0, :, 0, 0][:8], noise[0, 0, :, 0, 0][-8:]
    assert torch.equal(early.sort().values, late.sort().values)  # the same frames of noise in another order
    with torch.inference_mode():
        part = replace(asked, place=112, num_frames=64, head=first[:, :, -16:])
        made = [model.generate(replace(part, head=head), lambda *_: None) for head in (part.head, -part.head)]
    assert not torch.allclose(made[0][:, :, 16:20], made[1][:, :, 16:20], atol=1e-3)


def test_a_restyle_by_animatediff_follows_its_source_in_every_piece(tiny_of):
    """Fails when every piece begins at the source's first frame: tried."""
    (case,) = (it for it in animatediff.CASES if it.name == "animatediff-v2v")
    tiny = tiny_of(case)
    seen, generate = [], type(tiny.residency.model(tiny.manifest.id)).generate

    def watched(self, request, on_step):
        seen.append(request.video)
        return generate(self, request, on_step)

    source = np.arange(144, dtype=np.uint8)[:, None, None, None].repeat(32, 1).repeat(32, 2).repeat(3, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(tiny.residency.model(tiny.manifest.id)), "generate", watched)
        patch.setattr(whole_clip, "read_clip", lambda *_, **__: source)
        made = clip(tiny, num_frames=144, strength=0.5, num_inference_steps=2)
        assert np.array_equal(clip(tiny, num_frames=144, strength=0.0), source)
    assert made.shape == source.shape
    assert [part[[0, -1], 0, 0, 0].tolist() for part in seen] == [[0, 95], [80, 143]]


@pytest.mark.parametrize("sizes", [[9], [4, 5], [1] * 9])
def test_tiles_join_without_a_step(sizes):
    """Fails when a tile's first frame is laid over the wrong frame of the tile before: tried."""

    def decode(latents: torch.Tensor, first: int) -> torch.Tensor:
        count = 8 * (latents.shape[2] - 1) + 1
        return torch.arange(8 * first, 8 * first + count).float().view(1, 1, -1, 1, 1)

    made = list(in_tiles(torch.zeros(1, 4, 9, 1, 1).split(sizes, 2), decode, tile=4, overlap=2, group=8))
    assert torch.equal(torch.cat(made, 2).flatten(), torch.arange(65).float())
    assert max(part.shape[2] for part in made) <= 25

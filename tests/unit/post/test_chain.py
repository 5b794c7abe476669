"""Steps one after the other: what the spec promises, the record of what each gave, and refusals."""

from fractions import Fraction

import numpy as np
import pytest

from tests.unit.post.scenes import disc
from vidgen.errors import ModelError, SpecError
from vidgen.post.chain import Chain, Tools
from vidgen.spec.clip_shape import ClipShape, rate
from vidgen.spec.post import Interpolate, RemoveBackground, Sharpen, Upscale, Watermark, shapes_after
from vidgen_models.networks import NetworkRegistry

CLIP = ClipShape(64, 64, 5, Fraction(8))
TOOLS = Tools(media={}, networks=NetworkRegistry())
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


def test_networks_do_their_steps_and_are_named_in_the_record(tiny_manifests, tmp_path, monkeypatch):
    """Untrained ones: the result is not better than blending and bicubic, but it is theirs, in tiles and batches.

    Fails when the second pass of ×4 is left out: tried.
    """
    monkeypatch.setattr("vidgen_models.networks.SHIPPED_NETWORKS", tmp_path)
    tools = Tools(media={}, networks=NetworkRegistry(tiny_manifests / "networks"))
    chain = Chain((Interpolate(factor=4), Upscale(factor=4)), CLIP, tools)
    frames, _ = disc(5)
    out = np.concatenate(list(chain.through(iter([frames[:3], frames[3:]]))))
    assert chain.result == ClipShape(256, 256, 17, Fraction(32))
    assert out.shape == (17, 256, 256, 3)
    small = out.reshape(17, 64, 4, 64, 4, 3).mean((2, 4))
    assert np.abs(small[::4] - frames).mean() < 4
    middle = (frames[1].astype(float) + frames[2]) / 2
    assert np.abs(small[6] - middle).mean() < 4 < np.abs(frames[1].astype(float) - frames[2])[20:44, 8:36].mean()
    interpolated, upscaled = chain.log()
    assert [it["id"] for it in interpolated["networks"]] == ["zz-interpolation"]
    assert [it["id"] for it in upscaled["networks"]] == ["zz-upscaling"] * 2


def test_a_step_without_its_network_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr("vidgen_models.networks.SHIPPED_NETWORKS", tmp_path)
    for step, words in ((Interpolate(factor=2), "interpolation: no such network"), (Upscale(), "no upscaling network")):
        with pytest.raises(ModelError, match=words):
            Chain((step,), CLIP, Tools(media={}, networks=NetworkRegistry()))

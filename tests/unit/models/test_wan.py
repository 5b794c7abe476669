"""Our paths through the Wan networks give the library's numbers."""

import pytest
import torch
from diffusers import AutoencoderKLWan, WanVACETransformer3DModel

from vidgen_models.nets.causal_conv import OneDnnCausalConv3d, use_onednn_convolutions
from vidgen_models.nets.wan import base_transformer, decode_stream, encode, encode_stream


@pytest.fixture
def vae(tiny_folder) -> AutoencoderKLWan:
    return AutoencoderKLWan.from_pretrained(tiny_folder / "vae").eval().requires_grad_(False)


def stock_decode(vae: AutoencoderKLWan, latents: torch.Tensor) -> torch.Tensor:
    mean, std = (
        torch.tensor(values).view(1, 16, 1, 1, 1) for values in (vae.config.latents_mean, vae.config.latents_std)
    )
    return vae.decode(latents * std + mean).sample


@pytest.mark.parametrize("latent_frames", [1, 2, 5, 8])
@pytest.mark.parametrize("group", [1, 3, 4])
def test_streamed_decoding_equals_decoding_at_once(vae, latent_frames, group):
    latents = torch.randn(1, 16, latent_frames, 4, 4, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        chunks = list(decode_stream(vae, latents, group))
        expected = stock_decode(vae, latents)
    assert chunks[0].shape[2] == 1
    assert max(chunk.shape[2] for chunk in chunks) <= 4 * (group + (group > 1))
    assert torch.allclose(torch.cat(chunks, 2), expected, atol=2e-5)


def test_an_abandoned_stream_leaves_no_cache_behind(vae):
    latents = torch.randn(1, 16, 3, 4, 4)
    with torch.inference_mode():
        stream = decode_stream(vae, latents)
        next(stream)
        stream.close()
    assert all(entry is None for entry in vae._feat_map)


def test_onednn_convolutions_give_the_same_numbers(vae):
    pixels = torch.rand(1, 3, 9, 32, 32, generator=torch.Generator().manual_seed(2)) * 2 - 1
    with torch.inference_mode():
        latents = encode(vae, pixels)
        frames = stock_decode(vae, latents)
        changed = use_onednn_convolutions(vae)
        assert changed > 10
        assert torch.allclose(encode(vae, pixels), latents, atol=1e-4)
        assert torch.allclose(stock_decode(vae, latents), frames, atol=1e-4)
    assert use_onednn_convolutions(vae) == 0


def test_onednn_convolutions_can_still_be_trained(vae):
    use_onednn_convolutions(vae)
    layer = next(module for module in vae.modules() if isinstance(module, OneDnnCausalConv3d)).requires_grad_(True)
    layer(torch.randn(1, layer.in_channels, 3, 8, 8)).sum().backward()
    assert layer.weight.grad is not None
    assert float(layer.weight.grad.abs().sum()) > 0


def test_the_base_network_shares_weights_and_equals_vace_without_hints(tiny_folder):
    vace = WanVACETransformer3DModel.from_pretrained(tiny_folder / "transformer").eval().requires_grad_(False)
    base = base_transformer(vace)
    assert base.blocks[0].attn1.to_q.weight.data_ptr() == vace.blocks[0].attn1.to_q.weight.data_ptr()
    common = {
        "hidden_states": torch.randn(1, 16, 3, 4, 4),
        "timestep": torch.tensor([500.0]),
        "encoder_hidden_states": torch.randn(1, 16, 32),
        "return_dict": False,
    }
    with torch.inference_mode():
        hints_off = vace(
            **common,
            control_hidden_states=torch.randn(1, 96, 3, 4, 4),
            control_hidden_states_scale=torch.zeros(len(vace.config.vace_layers)),
        )[0]
        assert torch.equal(base(**common)[0], hints_off)


@pytest.mark.parametrize("sizes", [[9], [1, 8], [3, 3, 3], [5, 1, 1, 2]])
def test_latents_may_come_in_pieces_of_any_length(vae, sizes):
    latents = torch.randn(1, 16, 9, 4, 4, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = list(decode_stream(vae, latents))
        chunks = list(decode_stream(vae, iter(latents.split(sizes, 2))))
    assert all(torch.equal(chunk, other) for chunk, other in zip(chunks, expected, strict=True))


def test_two_streams_at_once_do_not_mix(vae):
    """Fails when the cache lies in the autoencoder: tried."""
    latents = torch.randn(1, 16, 9, 4, 4, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = torch.cat(list(decode_stream(vae, latents)), 2)
        stream = decode_stream(vae, latents)
        first = next(stream)
        list(decode_stream(vae, latents + 1))
        assert torch.equal(torch.cat([first, *stream], 2), expected)


@pytest.mark.parametrize("sizes", [[17], [1] * 17, [5, 12], [4, 4, 9]])
def test_streamed_encoding_equals_encoding_at_once(vae, sizes):
    pixels = torch.rand(1, 3, 17, 32, 32, generator=torch.Generator().manual_seed(2)) * 2 - 1
    with torch.inference_mode():
        streamed = list(encode_stream(vae, pixels.split(sizes, 2)))
        assert [piece.shape[2] for piece in streamed] == [1] * 5
        assert torch.allclose(torch.cat(streamed, 2), encode(vae, pixels), atol=1e-5)

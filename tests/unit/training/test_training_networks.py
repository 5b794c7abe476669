"""The shortcuts of training change no result: whole-sequence autoencoder, shared base path, folded masks, tokenizer."""

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from diffusers import AutoencoderKLWan
from diffusers.pipelines.wan.pipeline_wan_vace import WanVACEPipeline
from transformers import T5Tokenizer

from training import vae_forward
from training.latents import WINDOW, WINDOW_START, continuation, fold_mask, random_mask
from training.networks import base_view, build_text_encoder, build_transformer, compile_blocks, embed_text
from training.optimiser import orthogonalise
from training.presets import TransformerPreset
from training.tokenizer import MAX_LENGTH

TINY = TransformerPreset(2, 16, 2, 64, (0,), 16, 1, minutes=1, batch=1)


@pytest.fixture(scope="module")
def vae() -> AutoencoderKLWan:
    torch.manual_seed(0)
    return AutoencoderKLWan(base_dim=4, z_dim=4, num_res_blocks=1).eval().requires_grad_(False)


@pytest.mark.parametrize("frames", [1, 5, 13])
def test_whole_sequence_forward_equals_the_chunked_one(vae: AutoencoderKLWan, frames: int) -> None:
    video = torch.rand(2, 3, frames, 16, 16) * 2 - 1
    stock = vae.encode(video).latent_dist.parameters
    torch.testing.assert_close(vae_forward.encode(vae, video), stock, atol=1e-4, rtol=1e-4)
    latents = stock[:, :4]
    ours = vae_forward.decode(vae, latents).clamp(-1, 1)
    torch.testing.assert_close(ours, vae.decode(latents).sample, atol=1e-4, rtol=1e-4)


def test_the_first_latent_frame_is_the_first_picture_alone(vae: AutoencoderKLWan) -> None:
    video = torch.rand(2, 3, 9, 16, 16) * 2 - 1
    alone = vae_forward.encode(vae, video[:, :, :1])
    torch.testing.assert_close(vae_forward.encode(vae, video)[:, :, :1], alone, atol=1e-5, rtol=1e-4)


def test_base_path_equals_the_condition_path_at_scale_zero() -> None:
    torch.manual_seed(0)
    model = build_transformer(TINY).eval()
    torch.nn.init.normal_(model.proj_out.weight, std=0.1)
    noisy, time, text = torch.randn(2, 16, 3, 4, 4), torch.tensor([900.0, 100.0]), torch.randn(2, 8, 16)
    context, off = torch.randn(2, 96, 3, 4, 4), torch.zeros(1)
    with torch.no_grad():
        ours = base_view(model)(noisy, time, text, return_dict=False)[0]
        stock = model(
            noisy, time, text, control_hidden_states=context, control_hidden_states_scale=off, return_dict=False
        )[0]
    torch.testing.assert_close(ours, stock)


def test_compiled_blocks_give_the_same_and_keep_the_names_of_their_weights() -> None:
    """Traced, not turned into kernels, which would take minutes. Fails when no block is compiled: tried."""
    torch.manual_seed(0)
    model = build_transformer(TINY).eval()
    torch.nn.init.normal_(model.proj_out.weight, std=0.1)
    asked = (torch.randn(1, 16, 2, 4, 4), torch.tensor([900.0]), torch.randn(1, 8, 16))
    names = list(model.state_dict())
    with torch.no_grad():
        before = base_view(model)(*asked, return_dict=False)[0]
        compile_blocks(model, backend="eager")
        after = base_view(model)(*asked, return_dict=False)[0]
    torch.testing.assert_close(after, before)
    assert list(model.state_dict()) == names
    assert all(block._compiled_call_impl is not None for block in (*model.blocks, *model.vace_blocks))


@pytest.mark.parametrize("task", ["first", "extend", "ends", "inpaint"])
def test_masks_fold_as_the_pipeline_folds_them(task: str) -> None:
    mask = torch.from_numpy(random_mask(task, 17, np.random.default_rng(0)))

    class Sizes:
        vae_scale_factor_temporal, vae_scale_factor_spatial = 4, 8
        transformer = build_transformer(TINY)

    stock = WanVACEPipeline.prepare_masks(Sizes(), mask.expand(1, 3, -1, -1, -1), [[]])
    torch.testing.assert_close(fold_mask(mask[None]), stock)


def test_a_continued_window_is_handed_its_own_latents_and_grey_elsewhere() -> None:
    latents, grey = torch.randn(2, 16, 7, 8, 8), torch.randn(1, 16, 7, 8, 8)
    made = continuation(latents, grey, [(1, 0), (2, 1)])
    window = slice(WINDOW_START, WINDOW_START + WINDOW)
    torch.testing.assert_close(made["latents"], latents[:, :, window])
    given = [[True, False, False, False, False], [True, True, False, False, True]]
    for row, kept in enumerate(given):
        for frame, is_kept in enumerate(kept):
            expected = latents[row] if is_kept else grey[0]
            torch.testing.assert_close(made["inactive"][row, :, frame], expected[:, WINDOW_START + frame])
            assert made["mask"][row, :, frame].unique().tolist() == [0 if is_kept else 1]


def test_captions_fit_and_padding_is_zero(tokenizer: T5Tokenizer) -> None:
    encoder = build_text_encoder(TINY, tokenizer).eval()
    prompts = ["an octopus spins on a red background", ""]
    with torch.no_grad():
        text = embed_text(tokenizer, encoder, prompts)
    length = len(tokenizer(prompts[0]).input_ids)
    assert text.shape == (2, MAX_LENGTH, 16)
    assert length < 12
    assert text[0, length:].abs().max() == 0
    assert text[1, 1:].abs().max() == 0
    assert text[0, :length].abs().min() > 0


def test_orthogonalised_matrices_have_even_singular_values() -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(8, 24)))
    assert values.min() > 0.5
    assert values.max() < 1.5

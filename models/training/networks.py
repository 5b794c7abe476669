"""The transformer and its text encoder: how they are built, shared between two paths, and spoken to.

`WanVACETransformer3DModel` takes a condition; `base_view` gives the plain `WanTransformer3DModel` over the very
same weights, which is cheaper and is what text-to-video uses. Text passes exactly as the pipeline passes it: a
fixed length, zeros after its end.
"""

from __future__ import annotations

import torch
from diffusers import WanTransformer3DModel, WanVACETransformer3DModel
from diffusers.models.transformers.transformer_wan import WanAttention
from torch import Tensor, nn
from transformers import T5Tokenizer, UMT5Config, UMT5EncoderModel

from training.presets import TransformerPreset
from training.tokenizer import MAX_LENGTH

SHARED = ("rope", "patch_embedding", "condition_embedder", "blocks", "norm_out", "proj_out", "scale_shift_table")


def build_transformer(preset: TransformerPreset) -> WanVACETransformer3DModel:
    """An untrained transformer whose output and whose hints from the condition start at zero."""
    model = WanVACETransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=preset.heads,
        attention_head_dim=preset.head_dim,
        in_channels=16,
        out_channels=16,
        text_dim=preset.text_dim,
        freq_dim=128,
        ffn_dim=preset.ffn_dim,
        num_layers=preset.layers,
        rope_max_seq_len=256,
        vace_layers=list(preset.vace_layers),
        vace_in_channels=96,
    )
    nn.init.zeros_(model.proj_out.weight)
    for block in model.vace_blocks:
        nn.init.zeros_(block.proj_out.weight)
        nn.init.zeros_(block.proj_out.bias)
    return model


def base_view(model: WanVACETransformer3DModel) -> WanTransformer3DModel:
    """The same modules as `model`, without the condition's branch."""
    names = WanTransformer3DModel.__init__.__annotations__
    config = {k: v for k, v in model.config.items() if k in names}
    with torch.device("meta"):
        base = WanTransformer3DModel(**config)
    for name in SHARED:
        setattr(base, name, getattr(model, name))
    return base.train(model.training)


class PlainAttention:
    """Wan's attention written out: on a CPU, for these few tokens, several times faster to train than the fused
    kernel."""

    def __call__(
        self,
        attn: WanAttention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: None = None,  # noqa: ARG002 - the caller names it
        rotary_emb: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        source = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = attn.norm_q(attn.to_q(hidden_states)), attn.norm_k(attn.to_k(source)), attn.to_v(source)
        query, key, value = (x.unflatten(2, (attn.heads, -1)) for x in (query, key, value))
        if rotary_emb is not None:
            query, key = rotate(query, *rotary_emb), rotate(key, *rotary_emb)
        with torch.autocast(query.device.type, enabled=False):
            query, key, value = (x.to(value.dtype).transpose(1, 2) for x in (query, key, value))
            weights = (query * query.shape[-1] ** -0.5 @ key.transpose(-1, -2)).softmax(-1)
            mixed = (weights @ value).transpose(1, 2).flatten(2)
        return attn.to_out[0](mixed)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding of neighbouring pairs; B L heads dim."""
    cos, sin = cos[..., 0::2].to(x.dtype), sin[..., 1::2].to(x.dtype)
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)


def use_plain_attention(model: WanVACETransformer3DModel) -> None:
    """Where `model` is on a CPU; on a GPU diffusers' own goes through the fused kernel, which is made for it."""
    if model.device.type != "cpu":
        return
    for module in model.modules():
        if isinstance(module, WanAttention):
            module.set_processor(PlainAttention())


def compile_blocks(model: WanVACETransformer3DModel, backend: str = "inductor") -> None:
    """Compiles each block by itself, in place: all of a kind have one graph, and weights keep their names."""
    for block in (*model.blocks, *model.vace_blocks):
        block.compile(backend=backend)


def build_text_encoder(preset: TransformerPreset, tokenizer: T5Tokenizer) -> UMT5EncoderModel:
    heads = 4
    config = UMT5Config(
        vocab_size=len(tokenizer),
        d_model=preset.text_dim,
        d_kv=preset.text_dim // heads,
        d_ff=2 * preset.text_dim,
        num_layers=preset.text_layers,
        num_heads=heads,
        dropout_rate=0.0,
    )
    return UMT5EncoderModel(config)


def embed_text(tokenizer: T5Tokenizer, encoder: UMT5EncoderModel, prompts: list[str]) -> Tensor:
    """B MAX_LENGTH text_dim; positions after a prompt's end are zeros, which the transformer attends to all the
    same."""
    tokens = tokenizer(prompts, padding="max_length", max_length=MAX_LENGTH, truncation=True, return_tensors="pt")
    tokens = tokens.to(encoder.device)
    hidden = encoder(tokens.input_ids, tokens.attention_mask).last_hidden_state
    return hidden * tokens.attention_mask.unsqueeze(-1)

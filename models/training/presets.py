"""Sizes and budgets of a training run: small (a two-core CPU in two and a half hours), full (one GPU), and a trial
that goes through every stage of the small one in minutes, to see that the whole recipe runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class VaePreset:
    """`stored_in_half`: its exported weights are in half precision, of which twice as many may be shipped."""

    base_dim: int
    num_res_blocks: int
    image_minutes: float
    video_minutes: float
    long_minutes: float
    decoder_minutes: float
    image_batch: int
    video_batch: int
    learning_rate: float = 0.02
    kl_weight: float = 3e-4
    texture_share: float = 0.25
    stored_in_half: bool = False


@dataclass(frozen=True, slots=True)
class LatentPreset:
    """`minutes` is what they were seen, or are believed, to take."""

    clips: int
    minutes: float
    long_share: float = 0.15


@dataclass(frozen=True, slots=True)
class TransformerPreset:
    """`compiled`: its blocks go through torch.compile, which was never tried on a GPU."""

    heads: int
    head_dim: int
    layers: int
    ffn_dim: int
    vace_layers: tuple[int, ...]
    text_dim: int
    text_layers: int
    minutes: float
    batch: int
    learning_rate: float = 0.015
    ema_decay: float = 0.999
    compiled: bool = False


@dataclass(frozen=True, slots=True)
class DistillationPreset:
    """A student of `steps` steps; the guided teacher goes in `substeps` where it goes in one."""

    guidance_minutes: float
    steps_minutes: float
    batch: int
    steps: int = 4
    substeps: int = 3
    learning_rate: float = 0.004


@dataclass(frozen=True, slots=True)
class Preset:
    """`side` is that of the pictures, in pixels; `subjects` how many beyond the common hundred there may be at most."""

    name: str
    device: str
    vae: VaePreset
    latents: LatentPreset
    transformer: TransformerPreset
    distillation: DistillationPreset
    judges_minutes: float = 5
    preparation_minutes: float = 2
    export_minutes: float = 1
    side: int = 64
    subjects: int = 0
    tasks: dict[str, float] = field(
        hash=False,
        default_factory=lambda: {
            "text": 0.17,
            "scene": 0.15,
            "pair": 0.08,
            "first": 0.1,
            "continue": 0.08,
            "control": 0.31,
            "reference": 0.05,
            "inpaint": 0.03,
            "extend": 0.015,
            "ends": 0.015,
        },
    )


PRESETS: dict[str, Preset] = {
    "cpu": Preset(
        name="cpu",
        device="cpu",
        vae=VaePreset(
            16, 1, image_minutes=7, video_minutes=24, long_minutes=9, decoder_minutes=15, image_batch=32, video_batch=4
        ),
        latents=LatentPreset(clips=12_000, minutes=10),
        transformer=TransformerPreset(3, 64, 6, 768, (0, 3), 128, 2, minutes=63, batch=32),
        distillation=DistillationPreset(guidance_minutes=35, steps_minutes=15, batch=24),
    ),
    "full": Preset(
        name="full",
        device="cuda",
        # as large as what is shipped may be, all in all 64 MB
        vae=VaePreset(
            24,
            2,
            image_minutes=3,
            video_minutes=8,
            long_minutes=4,
            decoder_minutes=4,
            image_batch=256,
            video_batch=32,
            stored_in_half=True,
        ),
        latents=LatentPreset(clips=60_000, minutes=6),
        transformer=TransformerPreset(5, 64, 8, 1280, (0, 3, 6), 192, 3, minutes=16, batch=512),
        distillation=DistillationPreset(guidance_minutes=4, steps_minutes=3, batch=256),
        judges_minutes=2,
        preparation_minutes=3,
        side=128,
        subjects=600,
    ),
}

_CPU = PRESETS["cpu"]
PRESETS["trial"] = replace(
    _CPU,
    name="trial",
    vae=replace(_CPU.vae, image_minutes=0.2, video_minutes=0.2, long_minutes=0.2, decoder_minutes=0.2, image_batch=8),
    latents=LatentPreset(clips=300, minutes=1),
    transformer=replace(_CPU.transformer, minutes=0.3, batch=8),
    distillation=replace(_CPU.distillation, guidance_minutes=0.2, steps_minutes=0.2, batch=8),
    judges_minutes=0.2,
)

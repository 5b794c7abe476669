"""Tiny depth and pose networks of transformers' real classes, saved as their authors publish them."""

from pathlib import Path

import torch
from transformers import (
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    Dinov2Config,
    DPTConfig,
    DPTForDepthEstimation,
    DPTImageProcessor,
    VitPoseBackboneConfig,
    VitPoseConfig,
    VitPoseForPoseEstimation,
    VitPoseImageProcessor,
)

SIDE = 28


def depth_anything(folder: Path, kind: str = "relative") -> Path:
    torch.manual_seed(0)
    eye = Dinov2Config(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIDE,
        patch_size=14,
        out_indices=[1, 2],
        reshape_hidden_states=False,
        apply_layernorm=True,
    )
    config = DepthAnythingConfig(
        backbone_config=eye,
        reassemble_hidden_size=16,
        reassemble_factors=[2, 1],
        neck_hidden_sizes=[8, 8],
        fusion_hidden_size=8,
        head_hidden_size=8,
        patch_size=14,
        depth_estimation_type=kind,
        max_depth=10,
    )
    return _saved(DepthAnythingForDepthEstimation(config), _eyes(14), folder)


def dpt(folder: Path) -> Path:
    torch.manual_seed(0)
    config = DPTConfig(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
    )
    eyes = DPTImageProcessor(size={"height": 32, "width": 32}, keep_aspect_ratio=False, ensure_multiple_of=16)
    return _saved(DPTForDepthEstimation(config), eyes, folder)


def vitpose(folder: Path) -> Path:
    torch.manual_seed(0)
    eye = VitPoseBackboneConfig(
        image_size=[64, 48], patch_size=[16, 16], hidden_size=16, num_hidden_layers=2, num_attention_heads=2
    )
    config = VitPoseConfig(backbone_config=eye, num_labels=17, scale_factor=4)
    return _saved(VitPoseForPoseEstimation(config), VitPoseImageProcessor(size={"height": 64, "width": 48}), folder)


def _eyes(multiple: int) -> DPTImageProcessor:
    return DPTImageProcessor(size={"height": SIDE, "width": SIDE}, keep_aspect_ratio=True, ensure_multiple_of=multiple)


def _saved(network: torch.nn.Module, processor: DPTImageProcessor | VitPoseImageProcessor, folder: Path) -> Path:
    # fresh heads see next to nothing
    for name, weight in network.named_parameters():
        if weight.ndim == 4 and ("head" in name or "neck" in name):
            torch.nn.init.normal_(weight, std=1.5 / (weight[0].numel() ** 0.5))
    network.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder

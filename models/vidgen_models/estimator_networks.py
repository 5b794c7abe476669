"""Depth and pose estimators behind 8-bit frames: folders of transformers' own classes, read once they were checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from vidgen.errors import ModelError
from vidgen_models.estimators import NETWORKS, EstimatorKind, EstimatorManifest
from vidgen_models.folder_check import check_files
from vidgen_models.loading import load_component

Frame = NDArray[np.uint8]
Plane = NDArray[np.float32]
PROCESSORS: Mapping[EstimatorKind, str] = {"depth": "DPTImageProcessor", "pose": "VitPoseImageProcessor"}
"""What makes a network's input of a frame."""
NEAREST = 1e-3
"""Of a distance that is turned into nearness, so that nothing is divided by zero."""


@dataclass(frozen=True, slots=True, eq=False)
class DepthNetwork:
    """`metric` networks give distances; the others nearness, in no unit."""

    net: torch.nn.Module
    processor: Any
    metric: bool

    @torch.inference_mode()
    def nearness(self, frame: Frame) -> Plane:
        """Of `uint8 [height, width, 3]`, `float32 [height, width]`: the nearer, the larger."""
        given = self.processor(images=frame, return_tensors="pt")["pixel_values"]
        seen = self.net(_as(given, self.net)).predicted_depth[:, None].float()
        whole = torch.nn.functional.interpolate(seen, frame.shape[:2], mode="bicubic", align_corners=False)[0, 0]
        near = 1 / whole.clamp_min(NEAREST) if self.metric else whole
        return np.asarray(near.cpu().numpy(), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class PoseNetwork:
    """The 17 joints of COCO for one person."""

    net: torch.nn.Module
    processor: Any

    @torch.inference_mode()
    def joints(self, frame: Frame, box: tuple[float, float, float, float]) -> Plane:
        """`[joints, 3]`: x and y in pixels of `frame`, and how sure it is; `box` (left, top, width, height) in pixels
        is around the person."""
        boxes = [[list(box)]]
        given = self.processor(frame, boxes=boxes, return_tensors="pt")["pixel_values"]
        # networks of several data sets are told which; 0 is COCO
        found = self.net(_as(given, self.net), dataset_index=torch.zeros(1, dtype=torch.long, device=_device(self.net)))
        found.heatmaps = found.heatmaps.float()
        ((person,),) = self.processor.post_process_pose_estimation(found, boxes=boxes)
        places = np.concatenate([person["keypoints"].numpy(), person["scores"].numpy()[:, None]], 1)
        # a flat heat map has no peak to be refined
        places[~np.isfinite(places).all(1)] = 0.0
        return np.asarray(places, np.float32)


def load_estimator(manifest: EstimatorManifest, dtype: torch.dtype = torch.float32) -> DepthNetwork | PoseNetwork:
    """Read on the CPU. Raises ModelError before any weight is read where the folder is not the manifest's."""
    check_files(manifest.path, manifest.files)
    if NETWORKS.get(manifest.network) != manifest.kind:
        raise ModelError(f"{manifest.id}: {manifest.network} sees no {manifest.kind}; there are {', '.join(NETWORKS)}")
    try:
        net: Any = load_component(getattr(transformers, manifest.network), manifest.path, dtype)
        eyes: Any = load_component(getattr(transformers, PROCESSORS[manifest.kind]), manifest.path)
    except (ImportError, KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise ModelError(
            f"{manifest.id}: {manifest.path.name} cannot be read as {manifest.network}: {error}"
        ) from error
    if manifest.kind == "pose":
        return PoseNetwork(net, eyes)
    return DepthNetwork(net, eyes, metric=getattr(net.config, "depth_estimation_type", "relative") == "metric")


def _device(net: torch.nn.Module) -> torch.device:
    return next(net.parameters()).device


def _as(pixels: torch.Tensor, net: torch.nn.Module) -> torch.Tensor:
    return pixels.to(_device(net), next(net.parameters()).dtype)

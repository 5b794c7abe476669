"""Typed jobs: the one contract that the API, the command line, the queue and the receipt share. Loads no torch."""

from vidgen.spec.clip_shape import ClipShape, frames_at, rate
from vidgen.spec.conditioning.camera import AXES, Camera, CameraKey
from vidgen.spec.conditioning.control import Control, ControlKind
from vidgen.spec.conditioning.fields import ConditioningFields
from vidgen.spec.conditioning.mask import Box, Mask, Outpaint
from vidgen.spec.conditioning.path import Brush, Path, Trajectory, Waypoint
from vidgen.spec.conditioning.reference import ClipEnd, Reference
from vidgen.spec.conditioning.rules import ConditioningRules
from vidgen.spec.extension import frames_kept
from vidgen.spec.job import (
    JOB_SPEC,
    ClipSpec,
    ExtendVideo,
    ImageToVideo,
    JobSpec,
    SamplingFields,
    TextToVideo,
    VideoToVideo,
    media_refs,
    named_media,
)
from vidgen.spec.keyframe import Keyframe
from vidgen.spec.long import LongFields, Segment, Take
from vidgen.spec.media_ref import MediaRef
from vidgen.spec.memory_tier import MemoryTier
from vidgen.spec.notation import advanced_of, segment_of, take_of
from vidgen.spec.output import FORMATS, Output, resolved_output
from vidgen.spec.post import PostStep, shapes_after
from vidgen.spec.priority import HIGHEST_PRIORITY, LOWEST_PRIORITY, NORMAL_PRIORITY
from vidgen.spec.process import ProcessVideo, delivered_shape, resolve_process
from vidgen.spec.progress import Progress
from vidgen.spec.recipe import Recipe
from vidgen.spec.resolve import resolve
from vidgen.spec.resolve_training import resolve_training
from vidgen.spec.rules import (
    FrameRule,
    GuidanceRule,
    LongRule,
    ModelRules,
    SideRule,
    StepRule,
    nearest_frame_counts,
    nearest_side,
)
from vidgen.spec.status import JobStatus, Stage
from vidgen.spec.train_lora import TrainLora
from vidgen.spec.unsampled import Unsampled

__all__ = [
    "AXES",
    "FORMATS",
    "HIGHEST_PRIORITY",
    "JOB_SPEC",
    "LOWEST_PRIORITY",
    "NORMAL_PRIORITY",
    "Box",
    "Brush",
    "Camera",
    "CameraKey",
    "ClipEnd",
    "ClipShape",
    "ClipSpec",
    "ConditioningFields",
    "ConditioningRules",
    "Control",
    "ControlKind",
    "ExtendVideo",
    "FrameRule",
    "GuidanceRule",
    "ImageToVideo",
    "JobSpec",
    "JobStatus",
    "Keyframe",
    "LongFields",
    "LongRule",
    "Mask",
    "MediaRef",
    "MemoryTier",
    "ModelRules",
    "Outpaint",
    "Output",
    "Path",
    "PostStep",
    "ProcessVideo",
    "Progress",
    "Recipe",
    "Reference",
    "SamplingFields",
    "Segment",
    "SideRule",
    "Stage",
    "StepRule",
    "Take",
    "TextToVideo",
    "TrainLora",
    "Trajectory",
    "Unsampled",
    "VideoToVideo",
    "Waypoint",
    "advanced_of",
    "delivered_shape",
    "frames_at",
    "frames_kept",
    "media_refs",
    "named_media",
    "nearest_frame_counts",
    "nearest_side",
    "rate",
    "resolve",
    "resolve_process",
    "resolve_training",
    "resolved_output",
    "segment_of",
    "shapes_after",
    "take_of",
]

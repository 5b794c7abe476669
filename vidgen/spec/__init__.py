"""Typed jobs: the one contract that the API, the command line, the queue and the receipt share. Loads no torch."""

from vidgen.spec.job import JOB_SPEC, ImageToVideo, JobSpec, SamplingFields, TextToVideo, VideoToVideo, media_refs
from vidgen.spec.long import LongFields, Segment, Take
from vidgen.spec.media_ref import MediaRef
from vidgen.spec.memory_tier import MemoryTier
from vidgen.spec.notation import segment_of, take_of
from vidgen.spec.output import FORMATS, Output, resolved_output
from vidgen.spec.priority import HIGHEST_PRIORITY, LOWEST_PRIORITY, NORMAL_PRIORITY
from vidgen.spec.progress import Progress
from vidgen.spec.recipe import Recipe
from vidgen.spec.resolve import resolve
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

__all__ = [
    "FORMATS",
    "HIGHEST_PRIORITY",
    "JOB_SPEC",
    "LOWEST_PRIORITY",
    "NORMAL_PRIORITY",
    "FrameRule",
    "GuidanceRule",
    "ImageToVideo",
    "JobSpec",
    "JobStatus",
    "LongFields",
    "LongRule",
    "MediaRef",
    "MemoryTier",
    "ModelRules",
    "Output",
    "Progress",
    "Recipe",
    "SamplingFields",
    "Segment",
    "SideRule",
    "Stage",
    "StepRule",
    "Take",
    "TextToVideo",
    "VideoToVideo",
    "media_refs",
    "nearest_frame_counts",
    "nearest_side",
    "resolve",
    "resolved_output",
    "segment_of",
    "take_of",
]

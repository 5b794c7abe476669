"""The rules of a model that takes every kind of conditioning item."""

from vidgen.spec import ConditioningRules

RULES = ConditioningRules(
    controls=("canny", "flow"),
    camera="flow",
    camera_axes=("pan", "tilt", "zoom"),
    trajectories="layout",
    brush=True,
    mask=True,
    references=2,
    motion_strength="flow",
    ends=True,
    flow_full=0.1,
)

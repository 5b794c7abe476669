"""How well the chunks of a long clip join: measured on frames before the delivery encode, against the clip itself."""

from vidgen.quality.seams.joints import Joint
from vidgen.quality.seams.meter import SeamMeter
from vidgen.quality.seams.plot import plot
from vidgen.quality.seams.report import COLOURS, JointReport, SeamReport, judge, scan
from vidgen.quality.seams.series import Series

__all__ = ["COLOURS", "Joint", "JointReport", "SeamMeter", "SeamReport", "Series", "judge", "plot", "scan"]
